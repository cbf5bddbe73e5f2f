// config: what a bus is made of. From a TOML file, a TOML text, or built in code; the three can be mixed, later settings win.
//
//   auto c = postbus::config::from_file("fleet.toml").set("bus.threads", "4");
//   auto d = postbus::config().transport("memory").feature("size-limit").set("plugin.size-limit.max", "1MiB");
//
// A setting is named by its path in the file: bus.name, transport.plugin, plugin.dedup.window. The settings of the bus itself are
// listed in docs/configuration.md; those of a plugin stand in the schema of its plugin.json, which is the only source of their
// defaults and units. Everything is checked when the bus is made, before anything starts: error::bad_config names the key, the
// file and line it came from, what was wanted, and the nearest known name.
#pragma once

#include <postbus/error.hpp>

#include <filesystem>
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

  // Sets one setting. The value is read as TOML where it is TOML (true, 4, "x", [1, 2]), else it is text. Throws error::bad_config
  // when the path runs through something that is not a table.
  config& set(std::string_view path, std::string_view value);

  config& name(std::string_view name);  // bus.name: the source of the events published here
  config& threads(unsigned count);      // bus.threads: own worker threads; 0 = the executor given to the bus
  config& transport(
      std::string_view plugin);  // transport.plugin: an id found on the path, or a file ("./libmine.so")
  config& feature(std::string_view plugin);                  // appends to bus.features
  config& plugin_path(const std::filesystem::path& folder);  // appends to bus.plugin_path

  // A module linked into the program: found as if its library lay first on the path.
  config& module(const postbus_module& linked);

  // Time and threads of a test: the bus runs nothing by itself; the clock's run_until_idle() and advance() do. The clock outlives the bus.
  config& clock(testing::manual_clock& clock);

 private:
  friend struct config_access;
  struct contents;
  std::unique_ptr<contents> contents_;
};

}  // namespace postbus
