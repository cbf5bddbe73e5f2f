#include "plugin_loader.hpp"

#include "config/schema.hpp"
#include "config/secrets.hpp"
#include "library_loader.hpp"
#include "plugin_survey.hpp"
#include "text/key_path.hpp"

#include <postbus/sdk/names.hpp>

#include <algorithm>
#include <utility>

namespace postbus::detail {
namespace {

using contents = config_access::contents;

json::object complete(const found_plugin& found, const json::object& own, const std::string& path,
                      const std::vector<std::string>& host_names, const contents& c) {
  settings_source source;
  source.path = path;
  source.origin = [&](std::string_view at) { return c.origin(at); };
  source.as_written = [&](const std::string& at, const json::value& v) { return as_written(c, at, v); };
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
           const std::vector<found_plugin>& wrappers, const found_plugin& like, const contents& c) {
  use.can = found.plugin->can;
  bound_data(transport, *found.plugin, c);
  for (const found_plugin& wrapper : wrappers) {
    use.can &= wrapper.plugin->can;
    bound_data(transport, *wrapper.plugin, c);
  }
  if (like.plugin == nullptr) return;
  use.can &= like.plugin->can | ~offers;
  bound_data(transport, *like.plugin, c);
}

// `path`: of the table that its settings are in.
plugin_use named(std::string id, const plugin_name& name, const std::string& path, const contents& c) {
  plugin_use use;
  use.id = std::move(id);
  use.origin = name.origin;
  use.secrets = secrets_in(c, path);
  return use;
}

std::vector<plugin_use> configure_wrappers(const std::vector<found_plugin>& found,
                                           const std::vector<plugin_name>& names, settings& host,
                                           const contents& c) {
  std::vector<plugin_use> uses;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const std::string& id = found[i].plugin->id;
    const std::string path = join_path("plugin", id);
    plugin_use use = named(id, names[i], path, c);
    use.config = complete(found[i], host.plugins[id].own, path, wrapper_setting_names(), c);
    uses.push_back(std::move(use));
  }
  return uses;
}

plugin_use configure_transport(const found_plugins& found, std::size_t i, settings& host, const contents& c) {
  transport_settings& t = host.transports[i];
  plugin_use use = named(found.transports[i].plugin->id, t.plugin, t.path, c);
  limit(use, t, found.transports[i], found.wrappers[i], found.likes[i], c);
  use.config = complete(found.transports[i], t.own, t.path, transport_setting_names(), c);
  use.wrappers = configure_wrappers(found.wrappers[i], t.wrappers, host, c);
  return use;
}

// `written`: the configuration itself, which outlives the copy with its secrets.
plugin_use configure_feature(const found_plugin& found, const plugin_name& name, settings& host,
                             const contents& c, const contents& written) {
  const std::string id = found.plugin != nullptr ? found.plugin->id : name.name;
  plugin_use use = named(id, name, join_path("plugin", id), c);
  const feature_settings& own = host.plugins[use.id];
  if (found.plugin != nullptr) {
    use.config = complete(found, own.own, join_path("plugin", use.id), feature_setting_names(), c);
    return use;
  }
  use.local = &written.interceptors.find(use.id)->second;
  if (own.own.empty()) return use;
  const std::string at = join_path(join_path("plugin", use.id), std::string_view(own.own.begin()->key()));
  throw error(
      error::bad_config, at + place(c.origin(at)),
      "one of " + sdk::list_of(feature_setting_names()) + ": '" + use.id + "' is a function of the program",
      "remove it");
}

plugin_use configure_store(const found_plugins& found, settings& host, const contents& c) {
  plugin_use use = named(found.store->plugin->id, host.store.plugin, "store", c);
  use.config = complete(*found.store, host.store.own, "store", store_setting_names(), c);
  use.wrappers = configure_wrappers(found.store_wrappers, host.store.wrappers, host, c);
  return use;
}

// `s` is left without its settings.
prepared configure(plugin_survey& s, const contents& written) {
  const found_plugins& found = s.found;
  prepared result{std::move(s.host), {}, {}, {}};
  settings& host = result.host;
  for (std::size_t i = 0; i < found.transports.size(); ++i)
    result.transports.push_back(configure_transport(found, i, host, s.contents));
  for (std::size_t i = 0; i < found.features.size(); ++i)
    result.features.push_back(
        configure_feature(found.features[i], host.features[i], host, s.contents, written));
  if (found.store) result.store = configure_store(found, host, s.contents);
  return result;
}

void load(plugin_use& use, const found_plugin& found) {
  if (found.plugin == nullptr) return;
  const loaded_plugin loaded = load_plugin(found);
  use.manifest = loaded.manifest;
  use.desc = loaded.desc;
}

void load_around(plugin_use& use, const found_plugin& found, const std::vector<found_plugin>& wrappers) {
  load(use, found);
  for (std::size_t i = 0; i < wrappers.size(); ++i) load(use.wrappers[i], wrappers[i]);
}

prepared prepare_and(const config& configuration, void (*go_on)(prepared&, const found_plugins&)) {
  const contents& written = config_access::of(configuration);
  const contents filled = fill_in_secrets(written);
  return without_secrets(filled, [&] {
    plugin_survey s = survey_plugins(filled);
    check_plugins(s);
    prepared result = configure(s, written);
    if (go_on != nullptr) go_on(result, s.found);
    return result;
  });
}

}  // namespace

prepared prepare_unloaded(const config& configuration) { return prepare_and(configuration, nullptr); }

prepared prepare(const config& configuration) {
  return prepare_and(configuration, [](prepared& result, const found_plugins& found) {
    for (std::size_t i = 0; i < found.transports.size(); ++i)
      load_around(result.transports[i], found.transports[i], found.wrappers[i]);
    for (std::size_t i = 0; i < found.features.size(); ++i) load(result.features[i], found.features[i]);
    if (found.store) load_around(*result.store, *found.store, found.store_wrappers);
  });
}

}  // namespace postbus::detail
