// "format": "duration" and "bytes", which JSON Schema does not have.
#pragma once

#include "text/json.hpp"

#include <optional>
#include <string>

namespace postbus::detail {

// A setting as its schema wants it: text with a unit as an integer of nanoseconds or bytes, anything else as it is. Nothing when the
// schema wants a unit and the value has none. A plain number is a size in bytes, and no duration, except 0.
std::optional<json::value> convert_unit(const json::value& value, const json::object& root,
                                        const json::object& schema);

// Refuses (error::bad_plugin) a schema whose settings with a unit are of another type than integer. `whose`: "plugin 'dedup'".
void check_units(const json::object& schema, const std::string& whose);

// The schema as the validator wants it. Formats are ours to read: it would apply them to numbers too, and fail.
json::object without_formats(const json::object& schema);

}  // namespace postbus::detail
