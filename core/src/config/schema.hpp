// Settings against their schema. A JSON Schema (draft 7) is the only source of a setting's type, bounds, default and unit: those of
// the host (settings_schema.hpp), those of a plugin (config_schema of its manifest), and the manifest itself are all checked here.
//
// Two things are ours beyond draft 7. A property with "format": "duration" or "bytes" is written with a unit and becomes an integer
// of nanoseconds or bytes before it is checked, so its type is "integer" and its bounds are in those. And an object takes no property
// that its schema does not name, unless "additionalProperties" says otherwise.
#pragma once

#include "text/json.hpp"

#include <postbus/error.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace postbus::detail {

// Whose settings these are, for the error messages.
struct settings_source {
  error::errc code = error::bad_config;  // what a wrong setting is
  std::string path{};                    // of the object that is checked: "plugin.dedup"
  std::function<std::string(std::string_view path)>
      origin{};  // where a setting stands: "fleet.toml:3:1"; may be missing
  std::function<json::value(const std::string& path, const json::value& value)>
      as_written{};                       // what may be shown of a value; may be missing
  std::vector<std::string> also_known{};  // names beside those of the schema, which somebody else reads
  std::string schema_of{};                // whose schema it is: "plugin 'dedup'"
};

// `given` with its defaults filled in and its units converted. Throws an error of source.code that names the setting, where it stands,
// what was found and what the schema wants; error::bad_plugin when the schema itself is unusable.
json::object complete_settings(const json::object& given, const json::object& schema,
                               const settings_source& source);

// The names of a schema's properties, in its order.
std::vector<std::string> property_names(const json::object& schema);

// The names of those that have to be there.
std::vector<std::string> required_names(const json::object& schema);

}  // namespace postbus::detail
