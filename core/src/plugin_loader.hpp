// From a config to all that is needed to start a bus: settings checked, plugins found, loaded and configured. Nothing is started and
// no plugin's function is called.
#pragma once

#include "json.hpp"
#include "manifest.hpp"
#include "settings.hpp"

#include <postbus/config.hpp>
#include <postbus/plugin.h>

#include <string>
#include <vector>

namespace postbus::detail {

struct plugin_use {
  std::string id;
  const manifest_plugin* manifest;  // valid for ever
  const postbus_plugin_desc* desc;  // valid for ever
  json::object config;              // complete: defaults, nanoseconds, bytes
  std::string origin;               // where it is named: "fleet.toml:3:1"; empty: by default
};

struct prepared {
  settings host;                    // host.plugins has an entry for each feature
  std::vector<plugin_use> plugins;  // [0] = the transport, then the features in the order of bus.features
};

// Throws error: bad_config, bad_plugin, unsupported. Every check that can be made before a library is loaded comes before the first
// one is.
prepared prepare(const config& configuration);

}  // namespace postbus::detail
