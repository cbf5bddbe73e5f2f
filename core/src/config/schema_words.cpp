#include "schema_words.hpp"

#include <postbus/sdk/units.hpp>

#include <optional>

namespace postbus::detail {
namespace {

const json::object* object_at(const json::object& from, std::string_view name) {
  const json::value* found = from.if_contains(name);
  return found ? found->if_object() : nullptr;
}

std::string_view text_at(const json::object& from, std::string_view name) {
  const json::value* found = from.if_contains(name);
  return found && found->is_string() ? std::string_view(found->get_string()) : std::string_view{};
}

std::string in_unit(const json::value& number, unit u) {
  if (!number.is_int64() || u == unit::none) return json::serialize(number);
  return u == unit::duration ? sdk::duration_text(number.get_int64()) : sdk::bytes_text(number.get_int64());
}

// " from 1 to 255", " of at least 1", from the two keywords that bound it.
std::string bounds(const json::object& schema, std::string_view least, std::string_view most,
                   std::string_view of, unit u) {
  const json::value* low = schema.if_contains(least);
  const json::value* high = schema.if_contains(most);
  std::string text;
  if (low && high) text = " from " + in_unit(*low, u) + " to " + in_unit(*high, u);
  else if (low) text = " of at least " + in_unit(*low, u);
  else if (high) text = " of at most " + in_unit(*high, u);
  if (!text.empty()) text += of;
  return text;
}

std::string number_bounds(const json::object& schema, unit u) {
  std::string text = bounds(schema, "minimum", "maximum", "", u);
  if (const json::value* low = schema.if_contains("exclusiveMinimum")) text += " above " + in_unit(*low, u);
  if (const json::value* high = schema.if_contains("exclusiveMaximum")) text += " below " + in_unit(*high, u);
  if (const json::value* step = schema.if_contains("multipleOf"))
    text += ", a multiple of " + in_unit(*step, u);
  return text;
}

std::string text_wanted(const json::object& schema) {
  std::string text = "text" + bounds(schema, "minLength", "maxLength", " characters", unit::none);
  if (const std::string_view pattern = text_at(schema, "pattern"); !pattern.empty())
    text.append(" like ").append(pattern);
  return text;
}

std::string type_wanted(const json::object& root, const json::object& schema, std::string_view type) {
  const unit u = unit_of(schema);
  if (u == unit::duration) return std::string(sdk::duration_examples) + number_bounds(schema, u);
  if (u == unit::bytes) return std::string(sdk::bytes_examples) + number_bounds(schema, u);
  if (type == "string") return text_wanted(schema);
  if (type == "boolean") return "true or false";
  if (type == "integer") return "an integer" + number_bounds(schema, u);
  if (type == "number") return "a number" + number_bounds(schema, u);
  if (type == "object") return "a table";
  if (type != "array") return {};
  const json::object* items = schema_of_items(root, schema);
  const std::string each = items ? wanted_by(root, *items) : "";
  return "a list" + bounds(schema, "minItems", "maxItems", " items", unit::none) +
         (each.empty() ? "" : " of " + each);
}

std::string one_of(const json::array& values) {
  std::string text;
  for (const json::value& value : values) text += (text.empty() ? "" : ", ") + shown(value);
  return "one of " + text;
}

// The alternatives of a list of schemas or of types, joined by "or".
template <class Words>
std::string any_of(const json::array& alternatives, Words words) {
  std::string text;
  for (const json::value& alternative : alternatives) {
    const std::string one = words(alternative);
    if (!one.empty()) text += (text.empty() ? "" : " or ") + one;
  }
  return text;
}

std::string kind_wanted(const json::object& root, const json::object& schema) {
  if (const json::value* only = schema.if_contains("const")) return shown(*only);
  if (const json::value* values = schema.if_contains("enum"); values && values->is_array())
    return one_of(values->get_array());
  for (const char* keyword : {"oneOf", "anyOf"}) {
    if (const json::value* list = schema.if_contains(keyword); list && list->is_array())
      return any_of(list->get_array(), [&](const json::value& v) {
        return v.is_object() ? wanted_by(root, v.get_object()) : "";
      });
  }
  const json::value* type = schema.if_contains("type");
  if (type && type->is_array()) {
    return any_of(type->get_array(), [&](const json::value& t) {
      return t.is_string() ? type_wanted(root, schema, t.get_string()) : "";
    });
  }
  return type_wanted(root, schema, text_at(schema, "type"));
}

}  // namespace

unit unit_of(const json::object& schema) {
  const std::string_view format = text_at(schema, "format");
  return format == "duration" ? unit::duration : format == "bytes" ? unit::bytes : unit::none;
}

const json::object& follow_references(const json::object& root, const json::object& schema) {
  const json::object* at = &schema;
  // Enough for any honest schema; one that refers to itself in a circle is left to the validator, which refuses it.
  for (int i = 0; i < 16; ++i) {
    const std::string_view reference = text_at(*at, "$ref");
    if (reference.substr(0, 2) != "#/") break;
    const json::object* next = &root;
    for (std::string_view rest = reference.substr(2); next && !rest.empty();) {
      const std::string_view name = rest.substr(0, rest.find('/'));
      next = object_at(*next, name);
      rest.remove_prefix(rest.size() == name.size() ? name.size() : name.size() + 1);
    }
    if (!next) break;
    at = next;
  }
  return *at;
}

const json::object* schema_of_property(const json::object& root, const json::object& schema,
                                       std::string_view name) {
  const json::object* properties = object_at(schema, "properties");
  const json::object* found = properties ? object_at(*properties, name) : nullptr;
  if (!found) found = object_at(schema, "additionalProperties");
  return found ? &follow_references(root, *found) : nullptr;
}

const json::object* schema_of_items(const json::object& root, const json::object& schema) {
  const json::object* items = object_at(schema, "items");
  return items ? &follow_references(root, *items) : nullptr;
}

std::string kind_wanted_by(const json::object& root, const json::object& schema) {
  return kind_wanted(root, follow_references(root, schema));
}

std::string description_of(const json::object& root, const json::object& schema) {
  return std::string(text_at(follow_references(root, schema), "description"));
}

std::string wanted_by(const json::object& root, const json::object& schema) {
  std::string text = kind_wanted_by(root, schema);
  const std::string description = description_of(root, schema);
  if (text.empty() || description.empty()) return text.append(description);
  return text.append(" (").append(description).append(")");
}

std::string shown(const json::value& value) {
  std::string text = json::serialize(value);
  if (text.size() <= 80) return text;
  text.resize(80);
  // Not in the middle of a character.
  while ((static_cast<unsigned char>(text.back()) & 0xc0) == 0x80) text.pop_back();
  if (static_cast<unsigned char>(text.back()) >= 0xc0) text.pop_back();
  return text + "…";
}

}  // namespace postbus::detail
