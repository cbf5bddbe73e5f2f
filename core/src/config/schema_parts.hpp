// The schemas inside a schema.
#pragma once

#include "text/json.hpp"
#include "text/key_path.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

namespace postbus::detail {

// What a keyword holds: a schema for each name, a list of schemas, one schema.
inline bool holds_named_schemas(std::string_view keyword) noexcept {
  return keyword == "properties" || keyword == "patternProperties" || keyword == "definitions" ||
         keyword == "dependencies";
}
inline bool holds_listed_schemas(std::string_view keyword) noexcept {
  return keyword == "allOf" || keyword == "anyOf" || keyword == "oneOf" || keyword == "items";
}
inline bool holds_a_schema(std::string_view keyword) noexcept {
  constexpr std::string_view all[] = {"items", "additionalItems", "additionalProperties", "not", "if", "then",
                                      "else",  "contains",        "propertyNames"};
  return std::find(std::begin(all), std::end(all), keyword) != std::end(all);
}

// Calls fn(part, where) for every schema directly inside a schema; `where`: "properties.window". Object is const or not, as the schema is.
template <class Object, class F>
void for_each_part(Object& schema, F fn) {
  const auto one = [&](auto& value, const std::string& where) {
    if (value.is_object()) fn(value.get_object(), where);
  };
  for (auto& entry : schema) {
    const std::string key(entry.key());
    auto& value = entry.value();
    if (holds_named_schemas(key) && value.is_object()) {
      for (auto& part : value.get_object()) one(part.value(), join_path(key, std::string_view(part.key())));
    } else if (holds_listed_schemas(key) && value.is_array()) {
      std::size_t index = 0;
      for (auto& part : value.get_array()) one(part, join_path(key, index++));
    } else if (holds_a_schema(key)) {
      one(value, key);
    }
  }
}

}  // namespace postbus::detail
