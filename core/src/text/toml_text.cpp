#include "toml_text.hpp"

#include "key_path.hpp"

namespace postbus::detail {
namespace {

// JSON's escapes are TOML's too; but TOML wants one more character escaped.
std::string quoted(const json::string& text) {
  std::string result = json::serialize(text);
  for (std::size_t at = 0; (at = result.find('\x7f', at)) != std::string::npos;)
    result.replace(at, 1, "\\u007f");
  return result;
}

}  // namespace

std::string toml_text(const json::value& value) {
  if (value.is_null()) return "\"\"";
  if (const json::string* text = value.if_string()) return quoted(*text);
  std::string list;
  if (const json::array* array = value.if_array()) {
    for (const json::value& item : *array) list += (list.empty() ? "" : ", ") + toml_text(item);
    return "[" + list + "]";
  }
  if (const json::object* table = value.if_object()) {
    for (const auto& [key, item] : *table) {
      const std::string name = is_bare_key(key) ? std::string(key) : quoted(json::string(key));
      list += (list.empty() ? "" : ", ") + name + " = " + toml_text(item);
    }
    return "{" + list + "}";
  }
  return json::serialize(value);
}

}  // namespace postbus::detail
