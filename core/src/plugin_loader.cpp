#include "plugin_loader.hpp"

#include "config_contents.hpp"
#include "key_path.hpp"
#include "library_loader.hpp"
#include "nearest.hpp"
#include "plugin_catalog.hpp"
#include "plugin_needs.hpp"
#include "router.hpp"
#include "schema.hpp"

#include <algorithm>
#include <utility>

namespace postbus::detail {
namespace {

using contents = config_access::contents;

std::string place(std::string_view origin) {
  return origin.empty() ? "" : std::string(" (").append(origin).append(")");
}

// What a configuration uses, found and not loaded yet. Each list is as the settings' own; a feature that is a function of the program
// has no plugin.
struct found_plugins {
  std::vector<found_plugin> transports, likes, features;
  std::optional<found_plugin> store;

  std::vector<found_plugin> all() const {
    std::vector<found_plugin> list = transports;
    for (const found_plugin& f : features)
      if (f.plugin != nullptr) list.push_back(f);
    if (store) list.push_back(*store);
    return list;
  }
};

void find_transports(found_plugins& found, plugin_catalog& catalog, const settings& host) {
  for (const transport_settings& t : host.transports) {
    found.transports.push_back(catalog.find(t.plugin, plugin_role::transport));
    found.likes.push_back(t.like.name.empty() ? found_plugin{}
                                              : catalog.find(t.like, plugin_role::transport));
  }
}

void find_features(found_plugins& found, plugin_catalog& catalog, const settings& host, const contents& c) {
  std::vector<std::string> ids;
  for (const plugin_name& name : host.features) {
    found_plugin feature;
    if (!c.interceptors.contains(name.name)) feature = catalog.find(name, plugin_role::feature);
    const std::string id = feature.plugin != nullptr ? feature.plugin->id : name.name;
    if (std::find(ids.begin(), ids.end(), id) != ids.end())
      throw error(error::bad_config, "plugin '" + id + "' a second time" + place(name.origin),
                  "each plugin once", "remove it here");
    ids.push_back(id);
    found.features.push_back(std::move(feature));
  }
}

// "auto" is what the library of the default transport has, else the in-memory one; and only when somebody asks for a store.
void find_store(found_plugins& found, plugin_catalog& catalog, const settings& host) {
  plugin_name wanted = host.store.plugin;
  if (wanted.name == "auto") {
    const auto asks = [](const found_plugin& f) {
      return std::find(f.plugin->needs.begin(), f.plugin->needs.end(), "postbus.store/1") !=
             f.plugin->needs.end();
    };
    const std::vector<found_plugin> used = found.all();
    if (std::none_of(used.begin(), used.end(), asks)) return;
    const found_plugin& main = found.transports.front();
    for (const manifest_plugin& plugin : main.library->info.plugins) {
      if (!plugin.is_store()) continue;
      found.store = found_plugin{main.library, &plugin};
      return;
    }
    wanted.name = "memory-store";
  }
  found.store = catalog.find(wanted, plugin_role::store);
}

// Settings for a plugin that is not used would be ignored in silence.
void check_tables(const found_plugins& used, const settings& host, const contents& c) {
  std::vector<std::string> features;
  for (std::size_t i = 0; i < used.features.size(); ++i)
    features.push_back(used.features[i].plugin != nullptr ? used.features[i].plugin->id
                                                          : host.features[i].name);
  for (const auto& [name, feature] : host.plugins) {
    if (std::find(features.begin(), features.end(), name) != features.end()) continue;
    const std::string at = join_path("plugin", name);
    const bool is_transport = std::any_of(used.transports.begin(), used.transports.end(),
                                          [&](const found_plugin& t) { return t.plugin->id == name; });
    throw error(error::bad_config, at + place(c.origin(at)) + ", and no such plugin in bus.features",
                features.empty() ? "no such table: there are no features"
                                 : "the table of one of " + list_of(features),
                is_transport ? "write the settings of the transport in [transport]"
                             : did_you_mean(name, features, "add it to bus.features, or remove the table"));
  }
  if (!used.store && !host.store.own.empty()) {
    const std::string at = join_path("store", std::string_view(host.store.own.begin()->key()));
    throw error(error::bad_config, at + place(c.origin(at)) + ", and no store is used",
                "no settings of a store: no plugin asks for one",
                "name the store in store.plugin, or remove the setting");
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
    const std::string at = join_path(transport.path, "data_max");
    throw error(error::bad_config,
                at + " = " + std::to_string(transport.data_max) + " bytes" + place(c.origin(at)),
                "at most " + std::to_string(*plugin.data_max) + ", which '" + plugin.id + "' takes",
                "lower it, or take another transport");
  }
  transport.data_max = *plugin.data_max;
}

// What the capabilities allow that only limit: the others are how a transport works with the core, not what it offers.
constexpr std::uint32_t offers = POSTBUS_CAN_COUNT | POSTBUS_CAN_GROUP | POSTBUS_CAN_PATTERN |
                                 POSTBUS_CAN_REPLAY | POSTBUS_CAN_DELAY | POSTBUS_CAN_DEAD |
                                 POSTBUS_CAN_PARTITION | POSTBUS_CAN_PERSIST;

void limit(plugin_use& use, transport_settings& transport, const found_plugin& found,
           const found_plugin& like, const contents& c) {
  use.can = found.plugin->can;
  bound_data(transport, *found.plugin, c);
  if (like.plugin == nullptr) return;
  use.can &= like.plugin->can | ~offers;
  bound_data(transport, *like.plugin, c);
}

// The wire of raw says nothing but the data: what goes by an attribute has nothing to go by.
void check_raw(const settings& host, const contents& c) {
  const router routes(host.routes);
  for (const auto& [name, feature] : host.plugins) {
    const auto needs = [](const key_part& p) { return p.what == key_part::id || p.what == key_part::header; };
    if (std::none_of(feature.key.parts.begin(), feature.key.parts.end(), needs)) continue;
    const std::vector<std::string> all{"**"};
    for (const std::string& pattern : feature.topics.empty() ? all : feature.topics)
      for (const std::size_t t : routes.reach(pattern)) {
        if (host.transports[t].format.codec != codec::raw) continue;
        const std::string at = join_path("plugin", name) + ".key";
        throw error(error::unsupported,
                    at + " = \"" + feature.key.text + "\"" + place(c.origin(at)) + " for topics of " +
                        host.transports[t].path + ", whose codec is raw",
                    "a key of captures: events of that codec have neither id nor headers",
                    "narrow plugin." + name + ".topics, or use another codec");
      }
  }
}

plugin_use named(std::string id, const plugin_name& name) {
  plugin_use use;
  use.id = std::move(id);
  use.origin = name.origin;
  return use;
}

plugin_use configure_transport(const found_plugin& found, const found_plugin& like, transport_settings& t,
                               const contents& c) {
  plugin_use use = named(found.plugin->id, t.plugin);
  limit(use, t, found, like, c);
  use.config = complete(found, t.own, t.path, transport_setting_names(), c);
  return use;
}

plugin_use configure_feature(const found_plugin& found, const plugin_name& name, settings& host,
                             const contents& c) {
  plugin_use use = named(found.plugin != nullptr ? found.plugin->id : name.name, name);
  const feature_settings& own = host.plugins[use.id];
  if (found.plugin != nullptr) {
    use.config = complete(found, own.own, join_path("plugin", use.id), feature_setting_names(), c);
    return use;
  }
  use.local = &c.interceptors.find(use.id)->second;
  if (own.own.empty()) return use;
  const std::string at = join_path(join_path("plugin", use.id), std::string_view(own.own.begin()->key()));
  throw error(
      error::bad_config, at + place(c.origin(at)),
      "one of " + list_of(feature_setting_names()) + ": '" + use.id + "' is a function of the program",
      "remove it");
}

plugin_use configure_store(const found_plugin& found, const store_settings& store, const contents& c) {
  plugin_use use = named(found.plugin->id, store.plugin);
  use.config = complete(found, store.own, "store", store_setting_names(), c);
  return use;
}

void load(plugin_use& use, const found_plugin& found) {
  if (found.plugin == nullptr) return;
  const loaded_plugin loaded = load_plugin(found);
  use.manifest = loaded.manifest;
  use.desc = loaded.desc;
}

}  // namespace

prepared prepare(const config& configuration) {
  const contents& c = config_access::of(configuration);
  prepared result{read_settings(c), {}, {}, {}};
  settings& host = result.host;
  plugin_catalog catalog(plugin_folders(host.plugin_path), c.modules);
  found_plugins found;
  find_transports(found, catalog, host);
  find_features(found, catalog, host, c);
  find_store(found, catalog, host);
  for (const found_plugin& f : found.all()) check_available(*f.plugin, f.library->info.file);
  check_tables(found, host, c);
  check_needs(found.all(), catalog);
  check_phases(found.features);
  check_raw(host, c);
  for (std::size_t i = 0; i < found.transports.size(); ++i)
    result.transports.push_back(
        configure_transport(found.transports[i], found.likes[i], host.transports[i], c));
  for (std::size_t i = 0; i < found.features.size(); ++i)
    result.features.push_back(configure_feature(found.features[i], host.features[i], host, c));
  if (found.store) result.store = configure_store(*found.store, host.store, c);

  for (std::size_t i = 0; i < found.transports.size(); ++i) load(result.transports[i], found.transports[i]);
  for (std::size_t i = 0; i < found.features.size(); ++i) load(result.features[i], found.features[i]);
  if (found.store) load(*result.store, *found.store);
  return result;
}

}  // namespace postbus::detail
