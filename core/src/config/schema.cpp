#include "schema.hpp"

#include "schema_units.hpp"
#include "schema_validator.hpp"
#include "schema_words.hpp"
#include "text/key_path.hpp"

#include <postbus/sdk/names.hpp>

#include <algorithm>
#include <utility>

namespace postbus::detail {
namespace {

// Tables within tables that are made of defaults alone. A schema may contain itself, and would go on for ever.
constexpr int made_up_max = 8;

const json::value* member(const json::object& object, std::string_view name) {
  return object.if_contains(name);
}

// Whether the schema names all the properties that its objects may have. One that says nothing about objects does not, but for the
// outermost: a plugin without a schema has no settings.
bool is_closed(const json::object& schema, bool outermost) {
  if (member(schema, "patternProperties")) return false;
  if (const json::value* more = member(schema, "additionalProperties"))
    return more->is_bool() && !more->get_bool();
  const json::value* type = member(schema, "type");
  return outermost || member(schema, "properties") ||
         (type && type->is_string() && type->get_string() == "object");
}

// What to do about a value of the wrong kind.
std::string remedy_for(const json::value& value, const json::object& schema) {
  const json::value* type = member(schema, "type");
  const std::string_view wanted =
      type && type->is_string() ? std::string_view(type->get_string()) : std::string_view{};
  if (const json::value* values = member(schema, "enum"); values && values->is_array() && value.is_string()) {
    std::vector<std::string> names;
    for (const json::value& v : values->get_array())
      if (v.is_string()) names.emplace_back(std::string_view(v.get_string()));
    return sdk::did_you_mean(value.get_string(), names, "use one of these");
  }
  if (unit_of(schema) != unit::none)
    return value.is_string() ? "write a number and its unit" : "write it in quotes, with its unit";
  if (value.is_string() && (wanted == "integer" || wanted == "number" || wanted == "boolean"))
    return "write it without quotes";
  if (!value.is_string() && wanted == "string") return "put it in quotes";
  if (!value.is_array() && wanted == "array") return "put it in brackets";
  return "correct it";
}

class checker {
 public:
  checker(const json::object& root, const settings_source& source) : root_(root), source_(source) {}

  // `given` as `schema` completes it: names checked, units converted, defaults filled in, nothing missing.
  json::object complete(const json::object& given, const json::object& schema, const std::string& path,
                        int made_up = 0) const {
    refuse_unknown(given, schema, path);
    json::object result;
    for (const auto& [name, value] : given)
      result.emplace(name, complete_value(value, property(schema, name), join_path(path, name), made_up));
    fill_defaults(result, schema, path, made_up);
    for (const std::string& name : required_names(schema))
      if (!result.contains(name)) refuse_missing(name, schema, path);
    return result;
  }

  // The rest of what the schema asks for: types, bounds, patterns.
  void validate(const json::object& result, const json::object& given) const {
    std::optional<violation> wrong;
    try {
      wrong = find_violation(without_formats(root_), result);
    } catch (const std::exception& e) {
      throw error(error::bad_plugin, "the schema of " + source_.schema_of + ": " + e.what(),
                  "a JSON Schema of draft 7", "correct the schema");
    }
    if (wrong) refuse(*wrong, result, given);
  }

 private:
  const json::object* property(const json::object& schema, std::string_view name) const {
    return schema_of_property(root_, schema, name);
  }

  std::string place(const std::string& path) const {
    return detail::place(source_.origin ? source_.origin(path) : "");
  }

  std::string quoted(const std::string& path, const json::value& value) const {
    return shown(source_.as_written ? source_.as_written(path, value) : value);
  }

  json::value complete_value(const json::value& value, const json::object* schema, const std::string& path,
                             int made_up) const {
    if (!schema) return value;
    if (const json::object* table = value.if_object()) return complete(*table, *schema, path, made_up);
    if (const json::array* list = value.if_array()) {
      json::array result;
      const json::object* items = schema_of_items(root_, *schema);
      for (const json::value& item : *list)
        result.push_back(complete_value(item, items, join_path(path, result.size()), made_up));
      return result;
    }
    const std::optional<json::value> converted = convert_unit(value, root_, *schema);
    if (!converted) refuse_value(path, value, *schema, "");
    return *converted;
  }

  void fill_defaults(json::object& result, const json::object& schema, const std::string& path,
                     int made_up) const {
    for (const std::string& name : property_names(schema)) {
      if (result.contains(name) || made_up > made_up_max) continue;
      const json::object* node = property(schema, name);
      if (!node) continue;
      if (const json::value* value = member(*node, "default"))
        result.emplace(name, complete_value(*value, node, join_path(path, name), made_up + 1));
      else if (member(*node, "properties"))
        add_defaults_of_table(result, name, *node, join_path(path, name), made_up);
    }
  }

  // A table that nobody wrote is there if its defaults alone make it whole: without its required members it was left out on purpose.
  void add_defaults_of_table(json::object& result, const std::string& name, const json::object& schema,
                             const std::string& path, int made_up) const {
    json::object table;
    fill_defaults(table, schema, path, made_up + 1);
    const std::vector<std::string> required = required_names(schema);
    const bool whole = std::all_of(required.begin(), required.end(),
                                   [&](const std::string& n) { return table.contains(n); });
    if (whole && !table.empty()) result.emplace(name, std::move(table));
  }

  void refuse_unknown(const json::object& given, const json::object& schema, const std::string& path) const {
    const bool outermost = &schema == &root_;
    if (!is_closed(schema, outermost)) return;
    std::vector<std::string> known = property_names(schema);
    if (outermost) known.insert(known.end(), source_.also_known.begin(), source_.also_known.end());
    for (const auto& [key, value] : given) {
      const std::string name(key);
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      const std::string at = join_path(path, name);
      throw error(source_.code, at + place(at),
                  known.empty() ? "no settings here" : "one of " + sdk::list_of(known),
                  sdk::did_you_mean(name, known, "remove it"));
    }
  }

  [[noreturn]] void refuse_missing(const std::string& name, const json::object& schema,
                                   const std::string& path) const {
    const json::object* node = property(schema, name);
    const std::string wanted = node ? wanted_by(root_, *node) : "";
    throw error(source_.code, "no " + join_path(path, name) + place(path), wanted, "add it");
  }

  [[noreturn]] void refuse_value(const std::string& path, const json::value& value,
                                 const json::object& schema, const std::string& otherwise) const {
    std::string wanted = wanted_by(root_, schema);
    if (wanted.empty()) wanted = otherwise;
    throw error(source_.code, path + " = " + quoted(path, value) + place(path), wanted,
                remedy_for(value, schema));
  }

  // Finds the value and the piece of schema that the violation is about.
  [[noreturn]] void refuse(const violation& wrong, const json::object& result,
                           const json::object& given) const {
    const json::value top = result, typed = given;
    const json::value* value = &top;
    const json::value* written = &typed;
    const json::object* schema = &root_;
    std::string path = source_.path;
    for (const violation::step& step : wrong.path) {
      const std::size_t index = step.is_index ? std::stoul(step.name) : 0;
      const auto down = [&](const json::value* from) -> const json::value* {
        if (!from) return nullptr;
        if (step.is_index) return from->is_array() ? from->get_array().if_contains(index) : nullptr;
        return from->is_object() ? from->get_object().if_contains(step.name) : nullptr;
      };
      value = down(value);
      written = down(written);
      path = step.is_index ? join_path(path, index) : join_path(path, step.name);
      if (schema) schema = step.is_index ? schema_of_items(root_, *schema) : property(*schema, step.name);
    }
    const json::value missing;
    if (!written) {
      throw error(error::bad_plugin, "the default of " + path + " = " + shown(value ? *value : missing),
                  schema ? wanted_by(root_, *schema) : wrong.what,
                  "correct the schema of " + source_.schema_of);
    }
    static const json::object no_schema;
    if (schema && schema != &root_) refuse_value(path, *written, *schema, wrong.what);
    throw error(source_.code, (path.empty() ? source_.schema_of : path) + place(path) + ": " + wrong.what, "",
                "correct it");
  }

  const json::object& root_;
  const settings_source& source_;
};

}  // namespace

std::vector<std::string> property_names(const json::object& schema) {
  std::vector<std::string> names;
  const json::value* properties = schema.if_contains("properties");
  if (!properties || !properties->is_object()) return names;
  for (const auto& [name, value] : properties->get_object()) names.emplace_back(std::string_view(name));
  return names;
}

std::vector<std::string> required_names(const json::object& schema) {
  std::vector<std::string> names;
  const json::value* list = schema.if_contains("required");
  if (!list || !list->is_array()) return names;
  for (const json::value& name : list->get_array())
    if (name.is_string()) names.emplace_back(std::string_view(name.get_string()));
  return names;
}

json::object complete_settings(const json::object& given, const json::object& schema,
                               const settings_source& source) {
  check_units(schema, source.schema_of);
  const checker check(schema, source);
  json::object result = check.complete(given, schema, source.path);
  check.validate(result, given);
  return result;
}

}  // namespace postbus::detail
