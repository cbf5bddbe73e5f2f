#include "plugin_survey.hpp"

#include "plugin_needs.hpp"
#include "publish/router.hpp"
#include "text/key_path.hpp"
#include "trust.hpp"

#include <postbus/sdk/names.hpp>

#include <algorithm>
#include <utility>

namespace postbus::detail {
namespace {

using contents = config_access::contents;

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
void check_tables(const plugin_survey& s) {
  const auto& [c, host, catalog, used] = s;
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
                                 : "the table of one of " + sdk::list_of(features),
                is_transport
                    ? "write the settings of the transport in [transport]"
                    : sdk::did_you_mean(name, features, "add it to bus.features, or remove the table"));
  }
  if (!used.store && (!host.store.own.empty() || !host.store.sha256.empty())) {
    const std::string at =
        join_path("store", host.store.own.empty() ? std::string_view("sha256")
                                                  : std::string_view(host.store.own.begin()->key()));
    throw error(error::bad_config, at + place(c.origin(at)) + ", and no store is used",
                "no settings of a store: no plugin asks for one",
                "name the store in store.plugin, or remove the setting");
  }
}

// A pin is for a file; what is linked into the program cannot be another one.
void check_pin_of(const found_plugin& found, const std::string& sha256, const std::string& path,
                  const contents& c) {
  if (sha256.empty()) return;
  const std::string at = join_path(path, "sha256"), whose = at + place(c.origin(at));
  if (found.plugin == nullptr || found.library->linked != nullptr)
    throw error(error::bad_config, whose + " of what is part of the program", "the digest of a plugin's file",
                "remove it");
  check_pin(found.library->file, sha256, whose);
}

void check_pins(const plugin_survey& s) {
  for (std::size_t i = 0; i < s.found.transports.size(); ++i)
    check_pin_of(s.found.transports[i], s.host.transports[i].sha256, s.host.transports[i].path, s.contents);
  for (std::size_t i = 0; i < s.found.features.size(); ++i) {
    const found_plugin& feature = s.found.features[i];
    const std::string id = feature.plugin != nullptr ? feature.plugin->id : s.host.features[i].name;
    if (const auto own = s.host.plugins.find(id); own != s.host.plugins.end())
      check_pin_of(feature, own->second.sha256, join_path("plugin", id), s.contents);
  }
  if (s.found.store) check_pin_of(*s.found.store, s.host.store.sha256, "store", s.contents);
}

// The wire of raw says nothing but the data: what goes by an attribute has nothing to go by.
void check_raw(const plugin_survey& s) {
  const settings& host = s.host;
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
                    at + " = \"" + feature.key.text + "\"" + place(s.contents.origin(at)) +
                        " for topics of " + host.transports[t].path + ", whose codec is raw",
                    "a key of captures: events of that codec have neither id nor headers",
                    "narrow plugin." + name + ".topics, or use another codec");
      }
  }
}

}  // namespace

std::vector<found_plugin> found_plugins::all() const {
  std::vector<found_plugin> list = transports;
  for (const found_plugin& f : features)
    if (f.plugin != nullptr) list.push_back(f);
  if (store) list.push_back(*store);
  return list;
}

plugin_survey survey_plugins(contents filled) {
  settings host = read_settings(filled);
  plugin_catalog catalog(plugin_folders(host.plugin_path), filled.modules);
  plugin_survey s{std::move(filled), std::move(host), std::move(catalog), {}};
  find_transports(s.found, s.catalog, s.host);
  find_features(s.found, s.catalog, s.host, s.contents);
  find_store(s.found, s.catalog, s.host);
  return s;
}

void check_plugins(plugin_survey& s) {
  check_pins(s);
  for (const found_plugin& f : s.found.all()) check_available(*f.plugin, f.library->info.file);
  check_tables(s);
  check_needs(s.found.all(), s.catalog);
  check_phases(s.found.features);
  check_raw(s);
}

}  // namespace postbus::detail
