#include "schema_units.hpp"

#include "schema_parts.hpp"
#include "schema_words.hpp"

#include <postbus/error.hpp>

#include <postbus/sdk/units.hpp>

#include <string_view>
#include <utility>

namespace postbus::detail {
namespace {

std::optional<json::value> in_unit(const json::value& value, unit u) {
  if (const json::string* text = value.if_string()) {
    const auto number = u == unit::duration ? sdk::parse_duration(*text) : sdk::parse_bytes(*text);
    if (!number) return std::nullopt;
    return json::value(*number);
  }
  const bool plain =
      value.is_int64() && value.get_int64() >= 0 && (u == unit::bytes || value.get_int64() == 0);
  return plain ? std::optional<json::value>(value) : std::nullopt;
}

void erase_formats(json::object& schema) {
  schema.erase("format");
  for_each_part(schema, [](json::object& part, const std::string&) { erase_formats(part); });
}

}  // namespace

std::optional<json::value> convert_unit(const json::value& value, const json::object& root,
                                        const json::object& schema) {
  const json::object& node = follow_references(root, schema);
  if (const unit u = unit_of(node); u != unit::none) return in_unit(value, u);
  // "off", or a duration: text that is no unit is for the other alternatives to take.
  for (const char* keyword : {"oneOf", "anyOf"}) {
    const json::value* list = node.if_contains(keyword);
    if (!list || !list->is_array() || !value.is_string()) continue;
    for (const json::value& alternative : list->get_array()) {
      if (!alternative.is_object()) continue;
      const unit u = unit_of(follow_references(root, alternative.get_object()));
      if (u == unit::none) continue;
      if (auto converted = in_unit(value, u)) return converted;
    }
  }
  return value;
}

void check_units(const json::object& schema, const std::string& whose) {
  const json::value* type = schema.if_contains("type");
  if (unit_of(schema) != unit::none && type && *type != "integer") {
    throw error(error::bad_plugin,
                "type " + json::serialize(*type) + " with format " + json::serialize(schema.at("format")) +
                    " in the schema of " + whose,
                "type \"integer\": the host hands over nanoseconds or bytes", "correct the schema");
  }
  for_each_part(schema, [&](const json::object& part, const std::string&) { check_units(part, whose); });
}

json::object without_formats(const json::object& schema) {
  json::object copy = schema;
  erase_formats(copy);
  return copy;
}

}  // namespace postbus::detail
