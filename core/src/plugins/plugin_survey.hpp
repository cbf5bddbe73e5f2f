// What a configuration means, as far as can be told without loading a library: its settings, and the plugins that it uses.
#pragma once

#include "config/config_contents.hpp"
#include "config/settings.hpp"
#include "plugin_catalog.hpp"

#include <optional>
#include <vector>

namespace postbus::detail {

// Each list is as the settings' own: wrappers the outermost first. A feature that is a function of the program has no plugin, nor has a transport that is like no
// other one an entry in `likes`.
struct found_plugins {
  std::vector<found_plugin> transports, likes, features;
  std::vector<std::vector<found_plugin>> wrappers;  // of each transport
  std::optional<found_plugin> store;
  std::vector<found_plugin> store_wrappers;

  // Those that will be loaded.
  std::vector<found_plugin> all() const;
  // Of the transports and the store, each plugin once.
  std::vector<found_plugin> all_wrappers() const;
};

struct plugin_survey {
  config_access::contents contents;  // secrets filled in
  settings host;
  plugin_catalog catalog;
  found_plugins found;
};

// `filled`: with its secrets. Throws error: bad_config, bad_plugin, unsupported.
plugin_survey survey_plugins(config_access::contents filled);

// The rest of what can be checked: that each plugin is the one that was pinned, gets along with the others and with this version, and
// that no setting is for a plugin that is not used.
void check_plugins(plugin_survey& survey);

}  // namespace postbus::detail
