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

std::vector<found_plugin> find_wrappers(plugin_catalog& catalog, const std::vector<plugin_name>& names,
                                        plugin_role role) {
  std::vector<found_plugin> found;
  for (const plugin_name& name : names) {
    found_plugin wrapper = catalog.find(name, role);
    const std::string& id = wrapper.plugin->id;
    if (std::any_of(found.begin(), found.end(), [&](const found_plugin& f) { return f.plugin->id == id; }))
      throw error(error::bad_config, "wrapper '" + id + "' a second time" + place(name.origin),
                  "each wrapper once around the same plugin", "remove it here");
    found.push_back(std::move(wrapper));
  }
  return found;
}

void find_transports(found_plugins& found, plugin_catalog& catalog, const settings& host) {
  for (const transport_settings& t : host.transports) {
    found.transports.push_back(catalog.find(t.plugin, plugin_role::transport));
    found.likes.push_back(t.like.name.empty() ? found_plugin{}
                                              : catalog.find(t.like, plugin_role::transport));
    found.wrappers.push_back(find_wrappers(catalog, t.wrappers, plugin_role::transport_wrapper));
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
  found.store_wrappers = find_wrappers(catalog, host.store.wrappers, plugin_role::store_wrapper);
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

// What a feature is told about items says nothing to a wrapper, which sees none.
void check_wrapper_table(const plugin_survey& s, const std::string& id) {
  const json::value* tables = s.contents.tree.if_contains("plugin");
  const json::value* table = tables != nullptr ? tables->as_object().if_contains(id) : nullptr;
  if (table == nullptr) return;
  for (const std::string& name : feature_setting_names()) {
    const auto& own = wrapper_setting_names();
    if (!table->as_object().contains(name) || std::find(own.begin(), own.end(), name) != own.end()) continue;
    const std::string at = join_path(join_path("plugin", id), name);
    throw error(error::bad_config, at + place(s.contents.origin(at)) + ", and '" + id + "' is a wrapper",
                "its own settings and " + sdk::list_of(own), "remove it: a wrapper is there for every topic");
  }
}

void check_store_table(const plugin_survey& s) {
  const store_settings& store = s.host.store;
  if (s.found.store || (store.own.empty() && store.sha256.empty() && store.wrappers.empty())) return;
  const std::string_view first = !store.own.empty()      ? std::string_view(store.own.begin()->key())
                                 : !store.sha256.empty() ? std::string_view("sha256")
                                                         : std::string_view("wrappers");
  const std::string at = join_path("store", first);
  throw error(error::bad_config, at + place(s.contents.origin(at)) + ", and no store is used",
              "no settings of a store: no plugin asks for one",
              "name the store in store.plugin, or remove the setting");
}

// Settings for a plugin that is not used would be ignored in silence.
void check_tables(const plugin_survey& s) {
  const auto& [c, host, catalog, used] = s;
  std::vector<std::string> features;
  for (std::size_t i = 0; i < used.features.size(); ++i)
    features.push_back(used.features[i].plugin != nullptr ? used.features[i].plugin->id
                                                          : host.features[i].name);
  for (const found_plugin& wrapper : used.all_wrappers()) {
    features.push_back(wrapper.plugin->id);
    check_wrapper_table(s, wrapper.plugin->id);
  }
  for (const auto& [name, feature] : host.plugins) {
    if (std::find(features.begin(), features.end(), name) != features.end()) continue;
    const std::string at = join_path("plugin", name);
    const bool is_transport = std::any_of(used.transports.begin(), used.transports.end(),
                                          [&](const found_plugin& t) { return t.plugin->id == name; });
    throw error(error::bad_config, at + place(c.origin(at)) + ", and no such plugin in bus.features",
                features.empty() ? "no such table: there are no features and no wrappers"
                                 : "the table of one of " + sdk::list_of(features),
                is_transport
                    ? "write the settings of the transport in [transport]"
                    : sdk::did_you_mean(name, features, "add it to bus.features, or remove the table"));
  }
  check_store_table(s);
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
  const auto check_own = [&](const found_plugin& found, const std::string& id) {
    if (const auto own = s.host.plugins.find(id); own != s.host.plugins.end())
      check_pin_of(found, own->second.sha256, join_path("plugin", id), s.contents);
  };
  for (std::size_t i = 0; i < s.found.features.size(); ++i) {
    const found_plugin& feature = s.found.features[i];
    check_own(feature, feature.plugin != nullptr ? feature.plugin->id : s.host.features[i].name);
  }
  for (const found_plugin& wrapper : s.found.all_wrappers()) check_own(wrapper, wrapper.plugin->id);
  if (s.found.store) check_pin_of(*s.found.store, s.host.store.sha256, "store", s.contents);
}

// The wire of raw says nothing but the data: what goes by an attribute has nothing to go by.
void check_raw(const plugin_survey& s) {
  const settings& host = s.host;
  const router routes(host.routes);
  for (const auto& [name, feature] : host.plugins) {
    if (!feature.key.needs_attributes()) continue;
    const std::vector<std::string> all{"**"};
    for (const std::string& pattern : feature.topics.empty() ? all : feature.topics)
      for (const std::size_t t : routes.reach(pattern)) {
        if (host.transports[t].format.codec != codec::raw) continue;
        const std::string at = join_path("plugin", name) + ".key";
        throw error(error::unsupported,
                    at + " = \"" + feature.key.text + "\"" + place(s.contents.origin(at)) +
                        " for topics of " + host.transports[t].path + ", whose codec is raw",
                    "a key of captures or of the data: events of that codec have no attributes",
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
  for (const found_plugin& f : all_wrappers()) list.push_back(f);
  return list;
}

std::vector<found_plugin> found_plugins::all_wrappers() const {
  std::vector<found_plugin> list;
  const auto add = [&](const std::vector<found_plugin>& some) {
    for (const found_plugin& f : some)
      if (std::none_of(list.begin(), list.end(), [&](const found_plugin& l) { return l.plugin == f.plugin; }))
        list.push_back(f);
  };
  for (const auto& some : wrappers) add(some);
  add(store_wrappers);
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
  check_tables(s);
  check_needs(s.found.all(), s.catalog);
  check_phases(s.found.features);
  check_raw(s);
}

}  // namespace postbus::detail
