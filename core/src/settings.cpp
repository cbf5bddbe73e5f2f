#include "settings.hpp"

#include "key_path.hpp"
#include "nearest.hpp"
#include "schema.hpp"
#include "settings_later.hpp"
#include "settings_schema.hpp"

#include <postbus/sdk/topic.hpp>

#include <algorithm>
#include <utility>

namespace postbus::detail {
namespace {

using contents = config_access::contents;

json::object parse_schema(const char* text) { return json::parse(text).as_object(); }

const json::object& schema_of_bus() {
  static const json::object schema = parse_schema(bus_schema);
  return schema;
}
const json::object& schema_of_transport() {
  static const json::object schema = parse_schema(transport_schema);
  return schema;
}
const json::object& schema_of_feature() {
  static const json::object schema = parse_schema(feature_schema);
  return schema;
}

std::string text(const json::value& value) { return std::string(std::string_view(value.as_string())); }

std::string place(const contents& c, std::string_view path) {
  const std::string where = c.origin(path);
  return where.empty() ? "" : " (" + where + ")";
}

// The table at `path`, or an empty one if there is none.
json::object table(const contents& c, const json::object& in, std::string_view key, const std::string& path) {
  const json::value* found = in.if_contains(key);
  if (!found) return {};
  if (const json::object* object = found->if_object()) return *object;
  throw error(error::bad_config, path + " = " + json::serialize(*found) + place(c, path), "a table",
              "write [" + path + "] and its settings below");
}

json::object complete(const contents& c, const json::object& given, const json::object& schema,
                      const std::string& path) {
  settings_source source;
  source.path = path;
  source.origin = [&c](std::string_view at) { return c.origin(at); };
  source.schema_of = "the bus";
  return complete_settings(given, schema, source);
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

std::vector<plugin_name> features(const contents& c, const json::object& bus) {
  std::vector<plugin_name> names;
  for (const json::value& name : bus.at("features").as_array())
    names.push_back({text(name), c.origin(join_path("bus.features", names.size()))});
  return names;
}

int level_of(std::string_view name) {
  constexpr std::string_view names[] = {"trace", "debug", "info", "warn", "error", "off"};
  return static_cast<int>(std::find(std::begin(names), std::end(names), name) - std::begin(names));
}

void read_bus(settings& to, const contents& c) {
  const json::object bus = complete(c, table(c, c.tree, "bus", "bus"), schema_of_bus(), "bus");
  to.name = text(bus.at("name"));
  if (to.name.size() > 255) {  // the schema counts characters
    throw error(error::bad_config,
                "bus.name of " + std::to_string(to.name.size()) + " bytes" + place(c, "bus.name"),
                "1 to 255 bytes", "shorten it");
  }
  to.threads = static_cast<unsigned>(bus.at("threads").as_int64());
  to.features = features(c, bus);
  for (const json::value& folder : bus.at("plugin_path").as_array())
    to.plugin_path.emplace_back(text(folder));
  to.wait = bus.at("wait") == "spin" ? wait_mode::spin : wait_mode::sleep;
  to.log_level = level_of(bus.at("log_level").as_string());
}

void read_transport(transport_settings& to, const contents& c) {
  json::object given = table(c, c.tree, "transport", "transport");
  to.own = take_own(given, transport_setting_names());
  to.data_max_set = given.contains("data_max");
  const std::string origin = given.contains("plugin") ? c.origin("transport.plugin") : "";
  const json::object all = complete(c, given, schema_of_transport(), "transport");
  to.plugin = {text(all.at("plugin")), origin};
  to.dispatch = all.at("dispatch") == "inline" ? dispatch_mode::on_delivery : dispatch_mode::queued;
  to.required = all.at("required").as_bool();
  to.data_max = static_cast<std::uint64_t>(all.at("data_max").as_int64());
}

void read_topics(feature_settings& to, const contents& c, const json::object& all, const std::string& path) {
  const json::value* topics = all.if_contains("topics");
  if (!topics) return;
  for (const json::value& entry : topics->as_array()) {
    const std::string pattern = text(entry);
    const std::string at = join_path(path + ".topics", to.topics.size());
    if (const auto fault = sdk::check_pattern(pattern))
      throw error(error::bad_config, at + place(c, at), "", sdk::describe(fault, pattern));
    to.topics.push_back(pattern);
  }
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
  const json::object all = complete(c, given, schema_of_feature(), path);
  read_topics(result, c, all, path);
  read_key(result, c, all, path);
  const json::value& policy = all.at("on_error");
  if (policy == "pass") result.at_publish = result.at_deliver = failure_policy::pass;
  if (policy == "refuse") result.at_deliver = failure_policy::refuse;
  return result;
}

void refuse_unknown_tables(const contents& c) {
  const std::vector<std::string> known = {"bus", "transport", "plugin"};
  for (const auto& [key, value] : c.tree) {
    const std::string name(key);
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const std::string at = join_path("", name);
    throw error(error::bad_config, at + place(c, at), "one of the tables " + list_of(known),
                did_you_mean(name, known, "remove it"));
  }
}

}  // namespace

const std::vector<std::string>& transport_setting_names() {
  static const std::vector<std::string> names = property_names(schema_of_transport());
  return names;
}

const std::vector<std::string>& feature_setting_names() {
  static const std::vector<std::string> names = property_names(schema_of_feature());
  return names;
}

settings read_settings(const contents& c) {
  refuse_what_comes_later(c);
  refuse_unknown_tables(c);
  settings result;
  read_bus(result, c);
  read_transport(result.transport, c);
  const json::object plugins = table(c, c.tree, "plugin", "plugin");
  for (const auto& [key, value] : plugins) {
    const std::string name(key), path = join_path("plugin", name);
    result.plugins.emplace(name, read_feature(c, table(c, plugins, name, path), path));
  }
  return result;
}

}  // namespace postbus::detail
