// config: what a bus is made of. Begins empty, as a TOML file or as a TOML text; calls then add to it, and what is set later wins.
//
//   auto c = postbus::config::from_file("fleet.toml").set("bus.threads", "4");
//   auto d = postbus::config().transport("memory").feature("size-limit").set("plugin.size-limit.max", "1MiB");
//
// A setting is named by its path in the file: bus.name, transport.plugin, plugin.dedup.window. `postbus config --explain` prints all
// of them (explain_settings() in inspect.hpp): the schemas of the host and of each plugin's plugin.json are the only source of their
// defaults, units and meaning. Everything is checked when the bus is made, before anything starts: error::bad_config names the key,
// the file and line it came from, what was wanted, and the nearest known name.
//
// Secrets stay out of the file: in any text, ${VAR} stands for an environment variable, and a text "@path" for what that file holds
// (relative to the configuration's file, a line end at its end left out). $${ and @@ at the front are a plain ${ and @. They are filled
// in last, when the bus is made, and never printed: neither in errors nor by explain_settings() and effective_toml(). One that leads
// nowhere is error::bad_config; in a program with elevated privileges no variable is set.
#pragma once

#include <postbus/error.hpp>
#include <postbus/interceptor.hpp>
#include <postbus/log.hpp>

#include <filesystem>
#include <initializer_list>
#include <memory>
#include <string_view>

struct postbus_module;

namespace postbus {

namespace testing {
class manual_clock;
}

class config {
 public:
  // Two worker threads, the in-memory transport, no features.
  config();
  config(const config&);
  config(config&&) noexcept;
  config& operator=(config) noexcept;
  ~config();

  // Throws error::bad_config: no such file, or not TOML (with line and column).
  static config from_file(const std::filesystem::path& file);
  static config from_toml(std::string_view text);

  // Sets one setting. The value is read as TOML where it is TOML (true, 4, "x", [1, 2]), else it is text; quotes make it text for sure:
  // set("bus.name", "\"4\""). Throws error::bad_config when the path runs through something that is not a table.
  config& set(std::string_view path, std::string_view value);

  // Settings from the environment: POSTBUS_TRANSPORT__QUEUE_MAX=100 is transport.queue_max, POSTBUS_PLUGIN__SIZE_LIMIT__MAX is
  // plugin.size-limit.max. Two underscores stand for a dot; names are in lower case, and in the id of a plugin an underscore stands for
  // a dash. Variables without two underscores are no settings. Does nothing in a program with elevated privileges.
  config& environment();

  config& name(std::string_view name);  // bus.name: the source of the events published here
  config& threads(unsigned count);      // bus.threads: own worker threads; 0 = the executor given to the bus
  config& transport(
      std::string_view plugin);  // transport.plugin: an id found on the path, or a file ("./libmine.so")
  config& transport(std::string_view name,
                    std::string_view plugin);  // transports.<name>.plugin: one more beside the default one
  // Appends to [[route]]: topics that match one of the patterns go over the transport with this name, unless an earlier route matched;
  // "default" is that of [transport].
  config& route(std::initializer_list<std::string_view> patterns, std::string_view transport);
  config& admin(std::string_view address);                   // bus.admin: "unix:./fleet.sock"
  config& feature(std::string_view plugin);                  // appends to bus.features
  config& plugin_path(const std::filesystem::path& folder);  // appends to bus.plugin_path

  // Appends `name` to bus.features: at that place `f` is asked, on publish and on delivery unless `where` says otherwise.
  config& intercept(std::string_view name, interceptor f, stages where = stages::both);

  // Where log lines go instead of standard error. The levels of [log] hold.
  config& log_to(log_sink sink);

  // A module linked into the program: found as if its library lay first on the path. It has to live as long as the program.
  config& module(const postbus_module& linked);

  // Time and threads of a test: the bus runs nothing by itself; the clock's run_until_idle() and advance() do. The clock outlives the bus.
  config& clock(testing::manual_clock& clock);

 private:
  friend struct config_access;
  struct contents;
  std::unique_ptr<contents> contents_;
};

}  // namespace postbus
