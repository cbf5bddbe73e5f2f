// inspect: what a configuration means, without starting it: every setting, every plugin on the path, and what becomes of each
// capability. `postbus config` and `postbus plugins` print these. No library is loaded, but by check().
#pragma once

#include <postbus/config.hpp>

#include <optional>
#include <string>
#include <vector>

namespace postbus {

// One setting, as its schema says.
struct setting_info {
  // "transport.queue_max", "route[0].topics"; for names that nobody chose yet "plugin.NAME.topics", "route[].topics".
  std::string path;
  std::string wanted;  // "a duration such as …", "an integer from 0 to 1024"
  std::string unit;    // "duration", "bytes", or empty
  // As it would be written in the file; empty: none, the setting is optional or required.
  std::string default_value;
  bool required = false;
  std::string meaning;
  // What this configuration says, and where: "fleet.toml:3:1"; empty where it says nothing. A reference to a secret stays one.
  std::string value, origin;
};

// The settings of one table: the host's own ones, or those of a plugin.
struct settings_table {
  std::string table;  // "[bus]", "[transport]", "[plugin.dedup]"
  std::string whose;  // "the bus", "plugin 'memory' (…/memory.so)"
  std::vector<setting_info> settings;
};

// All of the host's tables and those of the plugins that the configuration uses, a table twice where both have settings in it; or only
// those of the plugin `id` (or file), used or not. Throws error: bad_config, bad_plugin, unsupported. References to secrets have to lead
// somewhere, for a plugin may be named by one.
std::vector<settings_table> explain_settings(const config& configuration, std::string_view id = {});

// One plugin on the path. Broken libraries are listed too, with what is wrong with them.
struct plugin_info {
  std::string id, version, summary, file;
  std::vector<std::string> provides, needs, methods, capabilities;
  bool used = false;    // by this configuration
  bool shared = false;  // a transport whose events reach the buses of other processes
  std::string problem;  // why it cannot be used; the other members may be empty then
  std::string wraps{};  // "transport" or "store", of a wrapper; else empty
};

// In the order of the path, the broken ones last. Throws error::bad_config.
std::vector<plugin_info> list_plugins(const config& configuration);

// The transports over which topics of the pattern, or of the one topic, may go by the routes of the configuration: for each its plugin, as
// above. Throws error: bad_config, bad_plugin, unsupported.
std::vector<plugin_info> transports_of(const config& configuration, std::string_view pattern);

// What becomes of a capability on a transport: it has it, the core supplies it, or asking for it is refused.
struct capability_info {
  enum class how { native, core, refused };
  std::string transport, plugin;  // "default", "memory"
  std::string capability;         // "groups", "retry", "ordering key" …
  how supplied = how::native;
  std::string remark;  // what it means here; the limits of it
};

// For each transport of the configuration. What this version does not have yet is refused, whatever the transport could do. Throws error.
std::vector<capability_info> explain_capabilities(const config& configuration);

// Everything that can be checked without creating a plugin. Loads the libraries, which runs their constructors. Throws what the
// constructor of bus would throw before that.
void check(const config& configuration);

// The configuration as TOML with every default filled in: config::from_toml() makes the same bus of it, but for functions and modules of
// the program. References to secrets stay references. Throws error, as above.
std::string effective_toml(const config& configuration);

// ---- one library file, step by step as the host takes them, for who wants to say which step it does not pass (`postbus check`). No code
// of the library runs. Each throws error::bad_plugin.

// That nobody but root and this user can have written it, or put it where it is.
void check_library_trust(const std::filesystem::path& library);
// The text of its manifest, from its note.
std::string read_library_manifest(const std::filesystem::path& library);
// What a manifest means: ids, versions, interfaces and schemas have passed. `file` names it in messages.
std::vector<plugin_info> plugins_of_manifest(std::string_view manifest, const std::string& file);

// The settings that the plugin `id` of the configuration would be created with, as JSON: checked, with every default, durations in ns and
// sizes in bytes. With its secrets: not for printing. Throws error: bad_config, bad_plugin, unsupported.
std::string plugin_settings(const config& configuration, std::string_view id);

}  // namespace postbus
