// The host's settings: checked, complete, with types. Those of the plugins are only picked out; their own schemas judge them.
#pragma once

#include "config_contents.hpp"
#include "json.hpp"
#include "key_expression.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace postbus::detail {

// What a worker does when there is nothing to do.
enum class wait_mode { sleep, spin };
// Where handlers run: on a worker, or on the thread that delivers ("inline").
enum class dispatch_mode { queued, on_delivery };
// What becomes of an item when a feature fails. A publish is never retried.
enum class failure_policy { refuse, retry, pass };

// A setting that names a plugin.
struct plugin_name {
  std::string name;    // an id, or with a '/' a file
  std::string origin;  // where that stands: "fleet.toml:3:1", empty for a default
};

struct transport_settings {
  plugin_name plugin;
  dispatch_mode dispatch = dispatch_mode::queued;
  bool required = true;
  std::uint64_t data_max = 0;  // bytes of event data; what the transport takes, unless data_max_set
  bool data_max_set = false;
  json::object own;  // the plugin's, unchecked
};

struct feature_settings {
  std::vector<std::string> topics;  // checked patterns; none: it applies to all
  key_expression key;               // captures only what every pattern of topics has
  failure_policy at_publish = failure_policy::refuse;
  failure_policy at_deliver = failure_policy::retry;
  json::object own;  // the plugin's, unchecked
};

struct settings {
  std::string name;
  unsigned threads = 0;
  std::vector<plugin_name> features;
  std::vector<std::filesystem::path> plugin_path;
  wait_mode wait = wait_mode::sleep;
  int log_level = 0;  // POSTBUS_LOG_…; one more than POSTBUS_LOG_ERROR: nothing
  transport_settings transport;
  std::map<std::string, feature_settings, std::less<>> plugins;  // by the NAME of [plugin.NAME]
};

// Throws error::bad_config for what is wrong, error::unsupported for what a later version will have.
settings read_settings(const config_access::contents& contents);

// The names of the host's own settings in [transport] and in [plugin.NAME].
const std::vector<std::string>& transport_setting_names();
const std::vector<std::string>& feature_setting_names();

}  // namespace postbus::detail
