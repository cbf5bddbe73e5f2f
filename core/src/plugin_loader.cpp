#include "plugin_loader.hpp"

#include "config_contents.hpp"
#include "key_path.hpp"
#include "library_loader.hpp"
#include "nearest.hpp"
#include "plugin_catalog.hpp"
#include "plugin_needs.hpp"
#include "schema.hpp"

#include <algorithm>
#include <utility>

namespace postbus::detail {
namespace {

using contents = config_access::contents;

std::string place(std::string_view origin) {
  return origin.empty() ? "" : std::string(" (").append(origin).append(")");
}

// The transport, then the features.
std::vector<found_plugin> find_plugins(plugin_catalog& catalog, const settings& host) {
  std::vector<found_plugin> found{catalog.find(host.transport.plugin, plugin_role::transport)};
  for (const plugin_name& name : host.features) {
    found_plugin feature = catalog.find(name, plugin_role::feature);
    const bool twice = std::any_of(found.begin(), found.end(),
                                   [&](const found_plugin& f) { return f.plugin->id == feature.plugin->id; });
    if (twice)
      throw error(error::bad_config, "plugin '" + feature.plugin->id + "' a second time" + place(name.origin),
                  "each plugin once", "remove it here");
    found.push_back(std::move(feature));
  }
  return found;
}

// Settings for a plugin that is not used would be ignored in silence.
void check_tables(const std::vector<found_plugin>& used, const settings& host, const contents& c) {
  std::vector<std::string> features;
  for (std::size_t i = 1; i < used.size(); ++i) features.push_back(used[i].plugin->id);
  for (const auto& [name, feature] : host.plugins) {
    if (std::find(features.begin(), features.end(), name) != features.end()) continue;
    const std::string at = join_path("plugin", name);
    const bool is_transport = name == used.front().plugin->id;
    throw error(error::bad_config, at + place(c.origin(at)) + ", and no such plugin in bus.features",
                features.empty() ? "no such table: there are no features"
                                 : "the table of one of " + list_of(features),
                is_transport ? "write the settings of the transport in [transport]"
                             : did_you_mean(name, features, "add it to bus.features, or remove the table"));
  }
}

json::object complete(const found_plugin& found, const json::object& own, const std::string& path,
                      const std::vector<std::string>& host_names, const contents& c) {
  settings_source source;
  source.path = path;
  source.origin = [&](std::string_view at) { return c.origin(at); };
  source.also_known = host_names;
  source.schema_of = "plugin '" + found.plugin->id + "' (" + found.library->info.file + ")";
  return complete_settings(own, found.plugin->config_schema, source);
}

// What the transport takes bounds what the host takes.
void bound_data(transport_settings& transport, const manifest_plugin& plugin, const contents& c) {
  if (!plugin.data_max || transport.data_max <= *plugin.data_max) return;
  if (transport.data_max_set) {
    throw error(error::bad_config,
                "transport.data_max = " + std::to_string(transport.data_max) + " bytes" +
                    place(c.origin("transport.data_max")),
                "at most " + std::to_string(*plugin.data_max) + ", which '" + plugin.id + "' takes",
                "lower it, or take another transport");
  }
  transport.data_max = *plugin.data_max;
}

std::vector<plugin_use> configure(const std::vector<found_plugin>& found, settings& host, const contents& c) {
  std::vector<plugin_use> uses;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const std::string& id = found[i].plugin->id;
    plugin_use use{
        id, nullptr, nullptr, {}, i == 0 ? host.transport.plugin.origin : host.features[i - 1].origin};
    use.config = i == 0 ? complete(found[i], host.transport.own, "transport", transport_setting_names(), c)
                        : complete(found[i], host.plugins[id].own, join_path("plugin", id),
                                   feature_setting_names(), c);
    uses.push_back(std::move(use));
  }
  return uses;
}

}  // namespace

prepared prepare(const config& configuration) {
  const contents& c = config_access::of(configuration);
  prepared result{read_settings(c), {}};
  settings& host = result.host;
  plugin_catalog catalog(plugin_folders(host.plugin_path), c.modules);
  const std::vector<found_plugin> found = find_plugins(catalog, host);
  for (const found_plugin& f : found) check_available(*f.plugin, f.library->info.file);
  check_tables(found, host, c);
  check_needs(found, catalog);
  check_phases({found.begin() + 1, found.end()});
  bound_data(host.transport, *found.front().plugin, c);
  result.plugins = configure(found, host, c);
  for (std::size_t i = 0; i < found.size(); ++i) {
    const loaded_plugin loaded = load_plugin(found[i]);
    result.plugins[i].manifest = loaded.manifest;
    result.plugins[i].desc = loaded.desc;
  }
  return result;
}

}  // namespace postbus::detail
