#include "schema_check.hpp"

#include "schema.hpp"
#include "schema_parts.hpp"
#include "schema_words.hpp"

#include <postbus/error.hpp>

#include <algorithm>
#include <regex>
#include <vector>

namespace postbus::detail {
namespace {

constexpr const char* root_path = "config_schema";

bool is_schema(const json::value& v) { return v.is_object() || v.is_bool(); }
bool is_text(const json::value& v) { return v.is_string(); }
bool is_flag(const json::value& v) { return v.is_bool(); }
bool is_number(const json::value& v) { return v.is_number(); }
bool is_count(const json::value& v) { return v.is_uint64() || (v.is_int64() && v.get_int64() >= 0); }
bool is_list(const json::value& v) { return v.is_array() && !v.get_array().empty(); }

template <bool (*Each)(const json::value&)>
bool is_list_of(const json::value& v) {
  return v.is_array() && std::all_of(v.get_array().begin(), v.get_array().end(), Each);
}
bool is_table_of_schemas(const json::value& v) {
  return v.is_object() && std::all_of(v.get_object().begin(), v.get_object().end(),
                                      [](const auto& entry) { return is_schema(entry.value()); });
}

bool is_type_name(const json::value& v) {
  constexpr std::string_view names[] = {"null", "boolean", "object", "array", "number", "integer", "string"};
  return v.is_string() &&
         std::find(std::begin(names), std::end(names), std::string_view(v.get_string())) != std::end(names);
}
bool is_type(const json::value& v) { return is_type_name(v) || (is_list(v) && is_list_of<is_type_name>(v)); }

bool is_expression(const json::value& v) {
  if (!v.is_string()) return false;
  try {
    const std::regex expression{std::string(std::string_view(v.get_string()))};
    return true;
  } catch (const std::regex_error&) {
    return false;
  }
}

struct rule {
  std::string_view keyword;
  bool (*holds)(const json::value&);
  const char* wanted;
};

constexpr rule rules[] = {
    {"type", is_type, "one of null, boolean, object, array, number, integer, string, or a list of these"},
    {"required", is_list_of<is_text>, "a list of names"},
    {"enum", is_list, "a list of values"},
    {"minimum", is_number, "a number"},
    {"maximum", is_number, "a number"},
    {"exclusiveMinimum", is_number, "a number"},
    {"exclusiveMaximum", is_number, "a number"},
    {"multipleOf", is_number, "a number"},
    {"minLength", is_count, "a number of characters"},
    {"maxLength", is_count, "a number of characters"},
    {"minItems", is_count, "a number of items"},
    {"maxItems", is_count, "a number of items"},
    {"minProperties", is_count, "a number of properties"},
    {"maxProperties", is_count, "a number of properties"},
    {"uniqueItems", is_flag, "true or false"},
    {"pattern", is_expression, "a regular expression"},
    {"format", is_text, "text, such as \"duration\" or \"bytes\""},
    {"description", is_text, "text"},
    {"$ref", is_text, "text such as \"#/definitions/name\""},
};

class schema_checker {
 public:
  schema_checker(const json::object& root, const std::string& whose) : root_(root), whose_(whose) {}

  void check(const json::object& part, const std::string& path) const {
    for (const auto& [name, value] : part) {
      const std::string_view key = name;
      for (const rule& r : rules)
        if (r.keyword == key && !r.holds(value)) refuse(join_path(path, key), value, r.wanted);
      check_parts(key, value, join_path(path, key));
    }
    check_reference(part, path);
    for_each_part(
        part, [&](const json::object& inner, const std::string& where) { check(inner, path + "." + where); });
  }

 private:
  void check_parts(std::string_view key, const json::value& value, const std::string& at) const {
    if (holds_named_schemas(key)) {
      const bool may_be_names = key == "dependencies";
      if (!is_table_of_schemas(value) && !may_be_names) refuse(at, value, "a schema for each name");
      return;
    }
    const bool may_be_list = holds_listed_schemas(key), may_be_one = holds_a_schema(key);
    if (!may_be_list && !may_be_one) return;
    if (may_be_list && is_list(value) && is_list_of<is_schema>(value)) return;
    if (may_be_one && is_schema(value)) return;
    refuse(at, value,
           may_be_one && may_be_list ? "a schema, or a list of schemas"
           : may_be_one              ? "a schema"
                                     : "a list of schemas");
  }

  // follow_references() stays where it is when there is nowhere to go.
  void check_reference(const json::object& part, const std::string& path) const {
    const json::value* reference = part.if_contains("$ref");
    if (reference == nullptr || *reference == "#" || &follow_references(root_, part) != &part) return;
    refuse(join_path(path, "$ref"), *reference,
           "the place of a schema in this one, such as \"#/definitions/name\"");
  }

  [[noreturn]] void refuse(const std::string& path, const json::value& value, const char* wanted) const {
    throw error(error::bad_plugin, path + " = " + shown(value) + " of " + whose_, wanted,
                "correct plugin.json and build the library again");
  }

  const json::object& root_;
  const std::string& whose_;
};

// A schema that asks for nothing but what its defaults have to satisfy: nobody has written any setting yet.
json::object of_defaults(const json::object& schema) {
  json::object result;
  for (const auto& [key, value] : schema) {
    constexpr std::string_view of_a_value[] = {"properties", "definitions", "$ref", "type",
                                               "additionalProperties"};
    if (std::find(std::begin(of_a_value), std::end(of_a_value), std::string_view(key)) ==
        std::end(of_a_value))
      continue;
    result.emplace(key, value);
  }
  if (json::value* properties = result.if_contains("properties"))
    for (auto& [name, part] : properties->as_object())
      if (part.is_object() && part.get_object().contains("properties") &&
          !part.get_object().contains("default"))
        part = of_defaults(part.get_object());
  return result;
}

}  // namespace

void check_schema(const json::object& schema, const std::string& whose) {
  schema_checker(schema, whose).check(schema, root_path);
  settings_source source;
  source.code = error::bad_plugin;
  source.schema_of = whose;
  source.origin = [&](std::string_view) { return "a default of " + whose; };
  complete_settings({}, of_defaults(schema), source);
}

}  // namespace postbus::detail
