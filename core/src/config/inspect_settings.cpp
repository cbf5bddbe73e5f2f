// What a configuration says, and what it could say: from the schemas, so that nothing is written down twice.
#include "plugins/plugin_loader.hpp"
#include "plugins/plugin_survey.hpp"
#include "schema.hpp"
#include "schema_words.hpp"
#include "secrets.hpp"
#include "text/key_path.hpp"
#include "text/toml_text.hpp"

#include <postbus/inspect.hpp>

#include <postbus/sdk/units.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace postbus {
namespace {

using namespace detail;
using contents = config_access::contents;

// A table, and where in the configuration it is: "transports.control", "route[0]". One that stands for all that could be written
// ("transports.NAME") is general.
struct placed_table {
  settings_table table;
  std::string path;
  bool is_general = false;
};

constexpr std::string_view route = "route[";

// Of "route[1]": 1.
std::optional<std::size_t> index_of_route(std::string_view path) {
  if (path.substr(0, route.size()) != route) return std::nullopt;
  return std::stoul(std::string(path.substr(route.size())));
}

// What the configuration says in the table at a path; nothing where it says nothing.
const json::object* given_at(const contents& written, const std::string& path) {
  const json::value* at = nullptr;
  if (const auto index = index_of_route(path)) {
    const json::value* routes = written.tree.if_contains("route");
    at = routes != nullptr && routes->is_array() ? routes->get_array().if_contains(*index) : nullptr;
    return at != nullptr ? at->if_object() : nullptr;
  }
  const auto keys = split_path(path);
  const json::object* table = &written.tree;
  for (const std::string& key : *keys) {
    at = table != nullptr ? table->if_contains(key) : nullptr;
    table = at != nullptr ? at->if_object() : nullptr;
  }
  return table;
}

// Makes the rows of one table from its schema and from what is given.
class table_reader {
 public:
  table_reader(const contents& written, const json::object& root) : written_(written), root_(root) {}

  // `others`: names in the table that somebody else explains.
  void read(std::vector<setting_info>& to, const json::object& schema, const json::object* given,
            const std::string& path, const std::vector<std::string>& others) const {
    const std::vector<std::string> names = property_names(schema), required = required_names(schema);
    for (const std::string& name : names) {
      const json::object* node = schema_of_property(root_, schema, name);
      const json::value* value = given != nullptr ? given->if_contains(name) : nullptr;
      const bool is_required = std::find(required.begin(), required.end(), name) != required.end();
      add(to, node, value, join_path(path, name), is_required);
    }
    if (given == nullptr) return;
    for (const auto& [key, value] : *given) {
      const std::string name(key);
      const auto is_in = [&](const std::vector<std::string>& list) {
        return std::find(list.begin(), list.end(), name) != list.end();
      };
      if (!is_in(names) && !is_in(others))
        add(to, schema_of_property(root_, schema, name), &value, join_path(path, name), false);
    }
  }

 private:
  void add(std::vector<setting_info>& to, const json::object* schema, const json::value* value,
           const std::string& path, bool required) const {
    if (schema != nullptr && schema->contains("properties") && depth_of(path) <= depth_max &&
        (value == nullptr || value->is_object()))
      return read(to, *schema, value != nullptr ? value->if_object() : nullptr, path, {});
    setting_info row;
    row.path = path;
    row.required = required;
    if (schema != nullptr) {
      row.wanted = kind_wanted_by(root_, *schema);
      row.meaning = description_of(root_, *schema);
      const unit u = unit_of(*schema);
      row.unit = u == unit::duration ? "duration" : u == unit::bytes ? "bytes" : "";
      if (const json::value* by_default = schema->if_contains("default"))
        row.default_value = toml_text(without_references(*by_default));
    }
    if (value != nullptr) {
      row.value = toml_text(*value);
      row.origin = written_.origin(path);
    }
    to.push_back(std::move(row));
  }

  // A schema may contain itself.
  static constexpr std::ptrdiff_t depth_max = 8;
  static std::ptrdiff_t depth_of(const std::string& path) {
    return std::count(path.begin(), path.end(), '.');
  }

  const contents& written_;
  const json::object& root_;
};

class explainer {
 public:
  explicit explainer(const contents& written) : written_(written) {}

  void host(host_table which, const std::string& path, bool is_general = false) {
    const json::object& schema = host_schema(which);
    // What the host does not know is a plugin's, and explained there.
    std::vector<std::string> others;
    const json::object* given = is_general ? nullptr : given_at(written_, path);
    const bool shared = which == host_table::transport || which == host_table::named_transport ||
                        which == host_table::store || which == host_table::feature ||
                        which == host_table::wrapper;
    if (given != nullptr && shared)
      for (const auto& [key, value] : *given) others.emplace_back(std::string_view(key));
    add(path, "the bus", schema, given, others, is_general);
  }

  // `host_names`: what of the table is not the plugin's. `given`: whether the table is written for this plugin at all.
  void plugin(const found_plugin& found, const std::string& path, const std::vector<std::string>& host_names,
              bool is_its_own) {
    if (found.plugin == nullptr) return;
    const std::string whose = "plugin '" + found.plugin->id + "' (" + found.library->info.file + ")";
    add(path, whose, found.plugin->config_schema, is_its_own ? given_at(written_, path) : nullptr, host_names,
        false);
  }

  std::vector<placed_table> tables;

 private:
  void add(const std::string& path, std::string whose, const json::object& schema, const json::object* given,
           const std::vector<std::string>& others, bool is_general) {
    const bool is_list = path.substr(0, route.size()) == route;
    placed_table to{{is_list ? "[[route]]" : "[" + path + "]", std::move(whose), {}}, path, is_general};
    table_reader(written_, schema).read(to.table.settings, schema, given, path, others);
    tables.push_back(std::move(to));
  }

  const contents& written_;
};

void explain_all(explainer& to, const plugin_survey& s) {
  to.host(host_table::bus, "bus");
  to.host(host_table::log, "log");
  for (std::size_t i = 0; i < s.host.transports.size(); ++i) {
    const std::string& path = s.host.transports[i].path;
    to.host(i == 0 ? host_table::transport : host_table::named_transport, path);
    to.plugin(s.found.transports[i], path, transport_setting_names(), true);
  }
  if (s.host.transports.size() == 1) to.host(host_table::named_transport, "transports.NAME", true);
  for (std::size_t i = 0; i < s.host.routes.size(); ++i) to.host(host_table::route, join_path("route", i));
  if (s.host.routes.empty()) to.host(host_table::route, "route[]", true);
  to.host(host_table::store, "store");
  if (s.found.store) to.plugin(*s.found.store, "store", store_setting_names(), true);
  for (std::size_t i = 0; i < s.found.features.size(); ++i) {
    const found_plugin& feature = s.found.features[i];
    const std::string path =
        join_path("plugin", feature.plugin != nullptr ? feature.plugin->id : s.host.features[i].name);
    to.host(host_table::feature, path);
    to.plugin(feature, path, feature_setting_names(), true);
  }
  for (const found_plugin& wrapper : s.found.all_wrappers()) {
    const std::string path = join_path("plugin", wrapper.plugin->id);
    to.host(host_table::wrapper, path);
    to.plugin(wrapper, path, wrapper_setting_names(), true);
  }
  if (s.found.features.empty()) to.host(host_table::feature, "plugin.NAME", true);
}

// Wherever the configuration uses it; else as if it were to be used.
void explain_one(explainer& to, const settings& host, const found_plugin& found, std::string_view name) {
  const auto is_it = [&](const plugin_name& n) { return n.name == found.plugin->id || n.name == name; };
  const std::size_t before = to.tables.size();
  for (const transport_settings& t : host.transports)
    if (is_it(t.plugin)) to.plugin(found, t.path, transport_setting_names(), true);
  if (is_it(host.store.plugin)) to.plugin(found, "store", store_setting_names(), true);
  if (found.plugin->is_feature())
    to.plugin(found, join_path("plugin", found.plugin->id), feature_setting_names(), true);
  if (found.plugin->is_wrapper())
    to.plugin(found, join_path("plugin", found.plugin->id), wrapper_setting_names(), true);
  if (to.tables.size() != before) return;
  to.plugin(found, found.plugin->is_store() ? "store" : "transport", {}, false);
}

std::vector<settings_table> without_places(std::vector<placed_table> tables) {
  std::vector<settings_table> result;
  for (placed_table& t : tables) result.push_back(std::move(t.table));
  return result;
}

// Every table that is there, with its defaults.
std::string as_toml(const std::vector<placed_table>& tables, const settings& host) {
  std::string text, last;
  for (const auto& [table, path, is_general] : tables) {
    if (is_general) continue;
    if (path != last) text += (text.empty() ? "" : "\n") + table.table + "\n";
    last = path;
    for (const setting_info& row : table.settings) {
      std::string value = row.value.empty() ? row.default_value : row.value;
      // The host's own default gives way to what the transport takes.
      for (const transport_settings& t : host.transports)
        if (row.value.empty() && row.path == join_path(t.path, "data_max"))
          value = '"' + sdk::bytes_text(static_cast<std::int64_t>(t.data_max)) + '"';
      if (!value.empty()) text += row.path.substr(path.size() + 1) + " = " + value + "\n";
    }
  }
  return text;
}

}  // namespace

std::vector<settings_table> explain_settings(const config& configuration, std::string_view id) {
  const contents& written = config_access::of(configuration);
  const contents filled = fill_in_secrets(written);
  return without_secrets(filled, [&] {
    explainer all(written);
    if (id.empty()) {
      explain_all(all, survey_plugins(filled));
      return without_places(std::move(all.tables));
    }
    const settings host = read_settings(filled);
    plugin_catalog catalog(plugin_folders(host.plugin_path), filled.modules);
    for (const found_plugin& found : catalog.find_all({std::string(id), ""}))
      explain_one(all, host, found, id);
    return without_places(std::move(all.tables));
  });
}

std::string effective_toml(const config& configuration) {
  const prepared ready = prepare_unloaded(configuration);
  const contents& written = config_access::of(configuration);
  explainer all(written);
  explain_all(all, survey_plugins(fill_in_secrets(written)));
  return as_toml(all.tables, ready.host);
}

}  // namespace postbus
