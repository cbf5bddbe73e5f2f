#include "settings.hpp"

#include "schema.hpp"
#include "schema_words.hpp"
#include "secrets.hpp"
#include "settings_schema.hpp"
#include "text/key_path.hpp"

#include <postbus/sdk/names.hpp>
#include <postbus/sdk/topic.hpp>

#include <algorithm>
#include <utility>

namespace postbus::detail {
namespace {

using contents = config_access::contents;

std::string text(const json::value& value) { return std::string(std::string_view(value.as_string())); }

// The text of an optional setting, empty without one.
std::string text(const json::object& table, std::string_view key) {
  const json::value* found = table.if_contains(key);
  return found ? text(*found) : "";
}

std::string place(const contents& c, std::string_view path) { return detail::place(c.origin(path)); }

std::string quoted(const contents& c, const std::string& path, const json::value& value) {
  return shown(as_written(c, path, value));
}

// The table at `path`, or an empty one if there is none.
json::object table(const contents& c, const json::object& in, std::string_view key, const std::string& path) {
  const json::value* found = in.if_contains(key);
  if (!found) return {};
  if (const json::object* object = found->if_object()) return *object;
  throw error(error::bad_config, path + " = " + quoted(c, path, *found) + place(c, path), "a table",
              "write [" + path + "] and its settings below");
}

json::object complete(const contents& c, const json::object& given, host_table whose,
                      const std::string& path) {
  settings_source source;
  source.path = path;
  source.origin = [&c](std::string_view at) { return c.origin(at); };
  source.as_written = [&c](const std::string& at, const json::value& v) { return as_written(c, at, v); };
  source.schema_of = "the bus";
  return complete_settings(given, host_schema(whose), source);
}

// Moves what the host does not know, and so leaves to the plugin, out of `given`.
json::object take_own(json::object& given, const std::vector<std::string>& host) {
  json::object own, rest;
  for (const auto& [key, value] : given) {
    const bool ours = std::find(host.begin(), host.end(), std::string_view(key)) != host.end();
    (ours ? rest : own).emplace(key, value);
  }
  given = std::move(rest);
  return own;
}

std::vector<plugin_name> plugin_names(const contents& c, const json::value& list, const std::string& path) {
  std::vector<plugin_name> names;
  for (const json::value& name : list.as_array())
    names.push_back({text(name), c.origin(join_path(path, names.size()))});
  return names;
}

int level_of(std::string_view name) {
  constexpr std::string_view names[] = {"trace", "debug", "info", "warn", "error", "off"};
  return static_cast<int>(std::find(std::begin(names), std::end(names), name) - std::begin(names));
}

void read_admin(admin_settings& to, const json::object& bus) {
  const auto size = [&](const char* name) { return static_cast<std::size_t>(bus.at(name).as_int64()); };
  to.path = text(bus.at("admin"));
  if (!to.path.empty()) to.path.erase(0, std::string_view("unix:").size());
  to.clients_max = static_cast<unsigned>(size("admin_clients_max"));
  to.line_max = size("admin_line_max");
  to.queue_max = size("admin_queue_max");
  to.timeout_ns = bus.at("admin_timeout").as_int64();
}

void read_bus(settings& to, const contents& c) {
  const json::object bus = complete(c, table(c, c.tree, "bus", "bus"), host_table::bus, "bus");
  to.name = text(bus.at("name"));
  if (to.name.size() > 255) {  // the schema counts characters
    throw error(error::bad_config,
                "bus.name of " + std::to_string(to.name.size()) + " bytes" + place(c, "bus.name"),
                "1 to 255 bytes", "shorten it");
  }
  to.threads = static_cast<unsigned>(bus.at("threads").as_int64());
  to.features = plugin_names(c, bus.at("features"), "bus.features");
  for (const json::value& folder : bus.at("plugin_path").as_array())
    to.plugin_path.emplace_back(text(folder));
  to.wait = bus.at("wait") == "spin" ? wait_mode::spin : wait_mode::sleep;
  to.delayed_max = static_cast<std::uint64_t>(bus.at("delayed_max").as_int64());
  to.delayed_bytes_max = static_cast<std::uint64_t>(bus.at("delayed_bytes_max").as_int64());
  to.sample_every = static_cast<unsigned>(bus.at("sample_every").as_int64());
  read_admin(to.admin, bus);
}

void read_log(log_settings& to, const contents& c) {
  const json::object log = complete(c, table(c, c.tree, "log", "log"), host_table::log, "log");
  to.level = level_of(log.at("level").as_string());
  for (const auto& [module, level] : log.at("modules").as_object())
    to.modules.emplace(std::string(module), level_of(level.as_string()));
  to.json = log.at("format") == "json";
}

detail::codec codec_of(std::string_view name) {
  return name == "raw" ? codec::raw : name == "cloudevents+json" ? codec::cloudevents_json : codec::msgpack;
}

transport_settings read_transport(const contents& c, json::object given, const std::string& name,
                                  const std::string& path, host_table which) {
  transport_settings to;
  to.name = name;
  to.path = path;
  to.own = take_own(given, transport_setting_names());
  to.data_max_set = given.contains("data_max");
  const auto named = [&](const json::object& all, const char* key) {
    const std::string at = join_path(path, key);
    return plugin_name{text(all.at(key)), given.contains(key) ? c.origin(at) : ""};
  };
  const json::object all = complete(c, given, which, path);
  to.plugin = named(all, "plugin");
  to.wrappers = plugin_names(c, all.at("wrappers"), join_path(path, "wrappers"));
  if (all.contains("like")) to.like = named(all, "like");
  to.dispatch = all.at("dispatch") == "inline" ? dispatch_mode::on_delivery : dispatch_mode::queued;
  to.buffers = all.at("on_unavailable") == "buffer";
  to.required = all.at("required").as_bool();
  to.data_max = static_cast<std::uint64_t>(all.at("data_max").as_int64());
  to.sha256 = text(all, "sha256");
  to.format = {codec_of(all.at("codec").as_string()), text(all.at("content_type"))};
  return to;
}

void read_transports(settings& to, const contents& c) {
  to.transports.push_back(read_transport(c, table(c, c.tree, "transport", "transport"), "default",
                                         "transport", host_table::transport));
  const json::object more = table(c, c.tree, "transports", "transports");
  for (const auto& [key, value] : more) {
    const std::string name(key), path = join_path("transports", name);
    if (name == "default")
      throw error(error::bad_config, path + place(c, path), "another name: default is that of [transport]",
                  "write its settings in [transport]");
    to.transports.push_back(
        read_transport(c, table(c, more, name, path), name, path, host_table::named_transport));
  }
}

std::vector<std::string> read_patterns(const contents& c, const json::value& list, const std::string& path) {
  std::vector<std::string> patterns;
  for (const json::value& entry : list.as_array()) {
    const std::string at = join_path(path, patterns.size());
    patterns.push_back(text(entry));
    if (const auto fault = sdk::check_pattern(patterns.back()))
      throw error(error::bad_config, at + place(c, at), "", sdk::describe(fault, patterns.back()));
  }
  return patterns;
}

void read_routes(settings& to, const contents& c) {
  const json::value* routes = c.tree.if_contains("route");
  if (routes == nullptr) return;
  if (!routes->is_array())
    throw error(error::bad_config, "route" + place(c, "route"), "a list of tables",
                "write [[route]] and its settings below");
  std::vector<std::string> names;
  for (const transport_settings& t : to.transports) names.push_back(t.name);
  for (const json::value& value : routes->get_array()) {
    const std::string path = join_path("route", to.routes.size());
    if (!value.is_object())
      throw error(error::bad_config, path + " = " + quoted(c, path, value) + place(c, path), "a table",
                  "write [[route]] and its settings below");
    const json::object route = complete(c, value.get_object(), host_table::route, path);
    const std::string name = text(route.at("transport"));
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      const std::string at = join_path(path, "transport");
      throw error(error::bad_config, at + " = \"" + name + "\"" + place(c, at),
                  "one of " + sdk::list_of(names),
                  sdk::did_you_mean(name, names, "add [transports." + name + "]"));
    }
    to.routes.push_back({read_patterns(c, route.at("topics"), join_path(path, "topics")),
                         static_cast<std::size_t>(found - names.begin())});
  }
}

void read_store(store_settings& to, const contents& c) {
  json::object given = table(c, c.tree, "store", "store");
  to.own = take_own(given, store_setting_names());
  const std::string origin = given.contains("plugin") ? c.origin("store.plugin") : "";
  const json::object all = complete(c, given, host_table::store, "store");
  to.plugin = {text(all.at("plugin")), origin};
  to.wrappers = plugin_names(c, all.at("wrappers"), "store.wrappers");
  to.sha256 = text(all, "sha256");
}

void read_key(feature_settings& to, const contents& c, const json::object& all, const std::string& path) {
  const json::value* key = all.if_contains("key");
  if (!key) return;
  const std::string whose = path + ".key" + place(c, path + ".key");
  to.key = parse_key_expression(text(*key), error::bad_config, whose);
  // Without topics it applies to every topic, and captures nothing of it.
  if (to.topics.empty()) check_captures(to.key, "**", error::bad_config, whose);
  for (const std::string& pattern : to.topics) check_captures(to.key, pattern, error::bad_config, whose);
}

feature_settings read_feature(const contents& c, json::object given, const std::string& path) {
  feature_settings result;
  result.own = take_own(given, feature_setting_names());
  const json::object all = complete(c, given, host_table::feature, path);
  if (const json::value* topics = all.if_contains("topics"))
    result.topics = read_patterns(c, *topics, join_path(path, "topics"));
  read_key(result, c, all, path);
  if (const json::value* listens = all.if_contains("listens"))
    for (const auto& [pattern, method] : listens->as_object()) {
      const std::string at = join_path(join_path(path, "listens"), std::string_view(pattern));
      if (const auto fault = sdk::check_pattern(pattern))
        throw error(error::bad_config, at + place(c, at), "", sdk::describe(fault, pattern));
      result.listens.emplace(std::string(pattern), text(method));
    }
  result.sha256 = text(all, "sha256");
  const json::value& policy = all.at("on_error");
  if (policy == "pass") result.at_publish = result.at_deliver = failure_policy::pass;
  if (policy == "refuse") result.at_deliver = failure_policy::refuse;
  return result;
}

void refuse_unknown_tables(const contents& c) {
  const std::vector<std::string> known = {"bus",   "log",   "transport", "transports",
                                          "route", "store", "plugin"};
  for (const auto& [key, value] : c.tree) {
    const std::string name(key);
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const std::string at = join_path("", name);
    throw error(error::bad_config, at + place(c, at), "one of the tables " + sdk::list_of(known),
                sdk::did_you_mean(name, known, "remove it"));
  }
}

// As that of [transport], but there is no plugin that it is unless one is named.
json::object schema_of_named_transport() {
  json::object schema = json::parse(transport_schema).as_object();
  schema.at("properties").at("plugin").as_object().erase("default");
  schema["required"] = json::array{"plugin"};
  return schema;
}

}  // namespace

const json::object& host_schema(host_table table) {
  static const json::object schemas[] = {
      json::parse(bus_schema).as_object(),       json::parse(log_schema).as_object(),
      json::parse(transport_schema).as_object(), schema_of_named_transport(),
      json::parse(route_schema).as_object(),     json::parse(store_schema).as_object(),
      json::parse(feature_schema).as_object(),   json::parse(wrapper_schema).as_object()};
  return schemas[static_cast<std::size_t>(table)];
}

const std::vector<std::string>& transport_setting_names() {
  static const std::vector<std::string> names = property_names(host_schema(host_table::transport));
  return names;
}

const std::vector<std::string>& store_setting_names() {
  static const std::vector<std::string> names = property_names(host_schema(host_table::store));
  return names;
}

const std::vector<std::string>& feature_setting_names() {
  static const std::vector<std::string> names = property_names(host_schema(host_table::feature));
  return names;
}

const std::vector<std::string>& wrapper_setting_names() {
  static const std::vector<std::string> names = property_names(host_schema(host_table::wrapper));
  return names;
}

settings read_settings(const contents& c) {
  refuse_unknown_tables(c);
  settings result;
  read_bus(result, c);
  read_log(result.log, c);
  read_transports(result, c);
  read_routes(result, c);
  read_store(result.store, c);
  const json::object plugins = table(c, c.tree, "plugin", "plugin");
  for (const auto& [key, value] : plugins) {
    const std::string name(key), path = join_path("plugin", name);
    result.plugins.emplace(name, read_feature(c, table(c, plugins, name, path), path));
  }
  return result;
}

}  // namespace postbus::detail
