// The host's settings: checked, complete, with types. Those of the plugins are only picked out; their own schemas judge them.
#pragma once

#include "config_contents.hpp"
#include "event/codec.hpp"
#include "key_expression.hpp"
#include "text/json.hpp"

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
  std::string name;  // "default" for [transport], else the NAME of [transports.NAME]
  std::string path;  // of its table: "transport", "transports.control"
  plugin_name plugin;
  std::vector<plugin_name> wrappers;  // the outermost first
  plugin_name like;                   // whose limits it takes on; empty: nobody's
  dispatch_mode dispatch = dispatch_mode::queued;
  bool buffers = false;  // publishes wait while the transport is away
  bool required = true;
  std::uint64_t data_max = 0;  // bytes of event data; what the transport takes, unless data_max_set
  bool data_max_set = false;
  wire_format format;
  std::string sha256;  // of the plugin's file; empty: any
  json::object own;    // the plugin's, unchecked
};

// [[route]]: topics that match one of the patterns go over this transport, unless an earlier route matched.
struct route_settings {
  std::vector<std::string> topics;  // checked patterns
  std::size_t transport = 0;        // index into settings.transports
};

struct store_settings {
  plugin_name plugin;  // "auto": what the library of the default transport has, else memory-store
  std::vector<plugin_name> wrappers;  // the outermost first
  std::string sha256;
  json::object own;  // the plugin's, unchecked
};

struct admin_settings {
  std::string path;  // of the Unix socket; empty: none
  unsigned clients_max = 0;
  std::size_t line_max = 0, queue_max = 0;  // bytes: of one line, and of what waits for one client
  std::int64_t timeout_ns = 0;              // for the rest of a line that has begun
};

// Levels are POSTBUS_LOG_…; one more than POSTBUS_LOG_ERROR: nothing.
struct log_settings {
  int level = 0;
  std::map<std::string, int, std::less<>> modules;  // "bus", "admin", or a plugin's id
  bool json = false;
};

struct feature_settings {
  std::vector<std::string> topics;  // checked patterns; none: it applies to all
  key_expression key;               // captures only what every pattern of topics has
  std::map<std::string, std::string>
      listens;  // pattern → method, in place of the manifest's; an empty method: none
  failure_policy at_publish = failure_policy::refuse;
  failure_policy at_deliver = failure_policy::retry;
  std::string sha256;
  json::object own;  // the plugin's, unchecked
};

struct settings {
  std::string name;
  unsigned threads = 0;
  std::vector<plugin_name> features;
  std::vector<std::filesystem::path> plugin_path;
  wait_mode wait = wait_mode::sleep;
  std::uint64_t delayed_max = 0, delayed_bytes_max = 0;
  unsigned sample_every = 0;  // one event in this many is timed for the histograms; 0 = none
  admin_settings admin;
  log_settings log;
  std::vector<transport_settings> transports;  // [0] = the default one
  std::vector<route_settings> routes;          // the first that matches counts
  store_settings store;
  std::map<std::string, feature_settings, std::less<>> plugins;  // by the NAME of [plugin.NAME]
};

// Throws error::bad_config for what is wrong.
settings read_settings(const config_access::contents& contents);

// The host's own tables, and what their schemas say.
enum class host_table { bus, log, transport, named_transport, route, store, feature, wrapper };
const json::object& host_schema(host_table table);

// The names of the host's own settings in [transport], [store], and in [plugin.NAME] of a feature and of a wrapper.
const std::vector<std::string>& transport_setting_names();
const std::vector<std::string>& store_setting_names();
const std::vector<std::string>& feature_setting_names();
const std::vector<std::string>& wrapper_setting_names();

}  // namespace postbus::detail
