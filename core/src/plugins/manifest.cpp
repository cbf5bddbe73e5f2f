#include "manifest.hpp"

#include "config/schema.hpp"
#include "config/schema_check.hpp"
#include "manifest_schema.hpp"

#include <postbus/plugin.h>

#include <boost/json/parser.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace postbus::detail {
namespace {

// "line 3, column 7" of a text.
std::string line_and_column(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return "line " + std::to_string(lines + 1) + ", column " + std::to_string(before.size() - line_start + 1);
}

json::object parse_object(std::string_view text, const std::string& file) {
  json::parser parser;
  json::error_code ec;
  const std::size_t read = parser.write_some(text, ec);
  if (!ec && read < text.size()) ec = json::error::extra_data;
  if (ec) {
    throw error(error::bad_plugin,
                ec.message() + " in the manifest of " + file + ", " + line_and_column(text, read), "JSON",
                "correct plugin.json and build the library again");
  }
  json::value value = parser.release();
  if (json::object* object = value.if_object()) return std::move(*object);
  throw error(error::bad_plugin, "a manifest in " + file + " that is no object", "{\"id\": …}",
              "correct plugin.json");
}

// The schema of a manifest that holds one plugin, or several.
json::object schema_of_manifest(bool several) {
  json::object plugin = json::parse(manifest_plugin_schema).as_object();
  const json::object version = json::parse(manifest_version_properties).as_object();
  json::object top = plugin;
  if (several) {
    const json::value definitions = plugin.at("definitions");
    plugin.erase("definitions");
    top = {{"required", json::array{"plugins"}},
           {"properties", {{"plugins", {{"type", "array"}, {"minItems", 1}, {"items", plugin}}}}},
           {"definitions", definitions}};
  }
  for (const auto& [name, schema] : version) {
    top["properties"].as_object().emplace(name, schema);
    top["required"].as_array().push_back(json::string(name));
  }
  return top;
}

// A newer contract may have fields that we do not know, so its number is looked at before anything else.
void check_contract(const json::object& given, const std::string& file) {
  const json::value* abi = given.if_contains("abi");
  if (!abi || !abi->is_int64() || abi->get_int64() <= POSTBUS_ABI_MAJOR) return;
  throw error(error::bad_plugin, file + ", built for contract " + json::serialize(*abi),
              "contract " + std::to_string(POSTBUS_ABI_MAJOR) + ", which this host has",
              "use a newer postbus, or an older build of the plugin");
}

std::string text_at(const json::object& from, std::string_view name) {
  const json::value* found = from.if_contains(name);
  return found ? std::string(std::string_view(found->as_string())) : "";
}

std::vector<std::string> names_at(const json::object& from, std::string_view name) {
  std::vector<std::string> names;
  if (const json::value* found = from.if_contains(name))
    for (const json::value& entry : found->as_array())
      names.emplace_back(std::string_view(entry.as_string()));
  return names;
}

constexpr std::pair<std::string_view, std::uint32_t> capabilities[] = {
    {"credit", POSTBUS_CAN_CREDIT},       {"ack", POSTBUS_CAN_ACK},        {"lease", POSTBUS_CAN_LEASE},
    {"count", POSTBUS_CAN_COUNT},         {"group", POSTBUS_CAN_GROUP},    {"pattern", POSTBUS_CAN_PATTERN},
    {"replay", POSTBUS_CAN_REPLAY},       {"delay", POSTBUS_CAN_DELAY},    {"dead", POSTBUS_CAN_DEAD},
    {"partition", POSTBUS_CAN_PARTITION}, {"persist", POSTBUS_CAN_PERSIST}};

std::uint32_t capability_bits(const std::vector<std::string>& names) {
  std::uint32_t can = 0;
  for (const std::string& name : names)
    for (const auto& [known, bit] : capabilities)
      if (name == known) can |= bit;
  return can;
}

[[noreturn]] void refuse_company(const std::string& field, const std::string& interface,
                                 const std::string& id, const std::string& file) {
  throw error(error::bad_plugin, field + " of plugin '" + id + "' in the manifest of " + file,
              interface + " among what it provides", "add the interface, or remove the field");
}

// A field that says something about an interface goes with that interface.
void check_company(const json::object& fields, const manifest_plugin& plugin, const std::string& file) {
  constexpr std::pair<const char*, const char*> company[] = {
      {"phase", "postbus.interceptor/1"},    {"reasons", "postbus.interceptor/1"},
      {"verdicts", "postbus.interceptor/1"}, {"capabilities", "postbus.transport/1"},
      {"data_max", "postbus.transport/1"},   {"methods", "postbus.control/1"}};
  for (const auto& [field, interface] : company) {
    if (fields.contains(field) && !plugin.does_provide(interface))
      refuse_company(field, interface, plugin.id, file);
  }
  if (plugin.is_wrapper() && !plugin.does_provide(plugin.wrapped_interface()))
    refuse_company("wraps = \"" + plugin.wraps + "\"", plugin.wrapped_interface(), plugin.id, file);
}

manifest_plugin read_plugin(const json::object& fields, const std::string& file) {
  manifest_plugin plugin;
  plugin.id = text_at(fields, "id");
  plugin.summary = text_at(fields, "summary");
  plugin.provides = names_at(fields, "provides");
  plugin.needs = names_at(fields, "requires");
  plugin.methods = names_at(fields, "methods");
  plugin.reasons = names_at(fields, "reasons");
  plugin.verdicts = names_at(fields, "verdicts");
  plugin.wraps = text_at(fields, "wraps");
  plugin.can = capability_bits(names_at(fields, "capabilities"));
  const std::string phase = text_at(fields, "phase");
  plugin.phase = phase == "gate" ? phase::gate : phase == "claim" ? phase::claim : phase::filter;
  if (const json::value* listens = fields.if_contains("listens"))
    for (const auto& [topics, method] : listens->as_object())
      plugin.listens.emplace(std::string_view(topics), std::string_view(method.as_string()));
  if (const json::value* bytes = fields.if_contains("data_max"))
    plugin.data_max = static_cast<std::uint64_t>(bytes->as_int64());
  if (const json::value* shared = fields.if_contains("shared")) plugin.shared = shared->as_bool();
  if (const json::value* schema = fields.if_contains("config_schema"))
    plugin.config_schema = schema->as_object();
  check_schema(plugin.config_schema, "plugin '" + plugin.id + "' (" + file + ")");
  check_company(fields, plugin, file);
  return plugin;
}

void check_ids(const manifest& read) {
  for (auto i = read.plugins.begin(); i != read.plugins.end(); ++i) {
    const bool twice =
        std::any_of(read.plugins.begin(), i, [&](const manifest_plugin& other) { return other.id == i->id; });
    if (twice)
      throw error(error::bad_plugin, "plugin '" + i->id + "' twice in the manifest of " + read.file,
                  "each id once", "rename one of them");
  }
}

}  // namespace

bool manifest_plugin::does_provide(std::string_view interface) const {
  return std::find(provides.begin(), provides.end(), interface) != provides.end();
}

const manifest_plugin* manifest::find(std::string_view id) const {
  const auto found =
      std::find_if(plugins.begin(), plugins.end(), [&](const manifest_plugin& p) { return p.id == id; });
  return found == plugins.end() ? nullptr : &*found;
}

std::vector<std::string> capability_names(std::uint32_t can) {
  std::vector<std::string> names;
  for (const auto& [name, bit] : capabilities)
    if ((can & bit) != 0) names.emplace_back(name);
  return names;
}

manifest parse_manifest(std::string_view text, const std::string& file) {
  const json::object given = parse_object(text, file);
  check_contract(given, file);
  const bool several = given.contains("plugins");
  settings_source source;
  source.code = error::bad_plugin;
  source.schema_of = "a manifest";
  source.origin = [&](std::string_view) { return "in the manifest of " + file; };
  const json::object all = complete_settings(given, schema_of_manifest(several), source);
  manifest result{file, std::string(text), text_at(all, "version"), {}};
  if (several)
    for (const json::value& plugin : all.at("plugins").as_array())
      result.plugins.push_back(read_plugin(plugin.as_object(), file));
  else result.plugins.push_back(read_plugin(all, file));
  check_ids(result);
  return result;
}

}  // namespace postbus::detail
