// What a schema wants and what a setting is, in words for a person.
#pragma once

#include "text/json.hpp"

#include <string>
#include <string_view>

namespace postbus::detail {

enum class unit { none, duration, bytes };

// The unit that a property's "format" asks for.
unit unit_of(const json::object& schema);

// The node that this one refers to ("$ref": "#/definitions/x"), or itself.
const json::object& follow_references(const json::object& root, const json::object& schema);

// The schema of one property, or of an array's items; null when the schema says nothing about it.
const json::object* schema_of_property(const json::object& root, const json::object& schema,
                                       std::string_view name);
const json::object* schema_of_items(const json::object& root, const json::object& schema);

// "an integer from 0 to 1024 (own worker threads)"; empty when the schema says nothing that we have words for.
std::string wanted_by(const json::object& root, const json::object& schema);

// The two halves of that: "an integer from 0 to 1024" and "own worker threads".
std::string kind_wanted_by(const json::object& root, const json::object& schema);
std::string description_of(const json::object& root, const json::object& schema);

// A value as it is shown: JSON, cut off after 80 bytes.
std::string shown(const json::value& value);

}  // namespace postbus::detail
