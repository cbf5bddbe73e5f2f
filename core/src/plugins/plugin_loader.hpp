// From a config to all that is needed to start a bus: settings checked, plugins found, loaded and configured. Nothing is started and
// no plugin's function is called.
#pragma once

#include "config/config_contents.hpp"
#include "config/settings.hpp"
#include "manifest.hpp"
#include "text/json.hpp"

#include <postbus/config.hpp>
#include <postbus/plugin.h>

#include <optional>
#include <string>
#include <vector>

namespace postbus::detail {

// A plugin, and what it is to be created with. Of an interceptor that is a function of the program only id and local are set.
struct plugin_use {
  std::string id;
  const manifest_plugin* manifest = nullptr;  // valid for ever
  const postbus_plugin_desc* desc = nullptr;  // valid for ever
  json::object config;                        // complete: defaults, nanoseconds, bytes
  std::string origin;                         // where it is named: "fleet.toml:3:1"; empty: by default
  std::vector<std::string> secrets;           // texts in its settings that nobody is to see
  std::uint32_t can = 0;  // a transport's capabilities, less those that its wrappers and `like` lack
  std::vector<plugin_use> wrappers{};    // around a transport or the store, the outermost first
  const local_feature* local = nullptr;  // of the configuration
};

struct prepared {
  settings host;                       // host.plugins has an entry for each feature
  std::vector<plugin_use> transports;  // as host.transports
  std::vector<plugin_use> features;    // as host.features
  std::optional<plugin_use> store;     // where one is named, or asked for
};

// Throws error: bad_config, bad_plugin, unsupported. Every check that can be made before a library is loaded comes before the first
// one is.
prepared prepare(const config& configuration);

// The same without loading: `manifest` and `desc` of each plugin are not set.
prepared prepare_unloaded(const config& configuration);

}  // namespace postbus::detail
