// settings: the settings of a plugin under test, by name; nested names are joined by dots. No schema is applied: a test gives what
// the host would have made of the configuration, with every default, durations in ns and sizes in bytes.
//
//   settings{{"max", 1024}, {"limits.events", 10}, {"name", "x"}, {"strict", true}, {"factor", 2.0}, {"words", list{R"(["a"])"}}}
#pragma once

#include <postbus/plugin.h>

#include <postbus/sdk/abi.hpp>

#include <charconv>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <variant>

namespace postbus::testing {

// A list, as JSON: a plugin finds it in the JSON of its create() only.
struct list {
  std::string json;
  bool operator==(const list&) const = default;
};
using setting = std::variant<bool, std::int64_t, double, std::string, list>;
using settings = std::map<std::string, setting, std::less<>>;

namespace detail {

inline std::string json_text(std::string_view text) {
  std::string json = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') (json += '\\') += c;
    else if (static_cast<unsigned char>(c) >= 0x20) json += c;
    else (json += "\\u00").append({"0123456789abcdef"[c >> 4], "0123456789abcdef"[c & 15]});
  }
  return json + '"';
}

inline std::string json_value(const setting& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return json_text(*text);
  if (const auto* l = std::get_if<list>(&value)) return l->json;
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return std::to_string(*integer);
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, std::get<double>(value)).ptr;
  const std::string number(digits, end);
  return number.find_first_of(".en") == std::string::npos ? number + ".0" : number;
}

}  // namespace detail

// The JSON object that create() gets.
inline std::string to_json(const settings& all) {
  struct node {
    const setting* value = nullptr;
    std::map<std::string, node, std::less<>> members;
    std::string json() const {
      if (value != nullptr) return detail::json_value(*value);
      std::string text = "{";
      for (const auto& [name, member] : members)
        text.append(text.size() > 1 ? "," : "")
            .append(detail::json_text(name))
            .append(":")
            .append(member.json());
      return text + '}';
    }
  };
  node root;
  for (const auto& [name, value] : all) {
    node* at = &root;
    for (std::size_t from = 0, dot = 0; dot != std::string::npos; from = dot + 1) {
      dot = name.find('.', from);
      at = &at->members[name.substr(from, dot - from)];
    }
    at->value = &value;
  }
  return root.json();
}

namespace detail {

// postbus.settings/1; `self` is a `const settings`.
struct settings_service {
  template <class T, class Out>
  static std::int32_t read(void* self, postbus_str name, Out* out) {
    const auto& all = *static_cast<const settings*>(self);
    const auto found = all.find(sdk::view(name));
    if (found == all.end()) return POSTBUS_E_INVALID;
    const T* value = std::get_if<T>(&found->second);
    if (value == nullptr) return POSTBUS_E_INVALID;
    if constexpr (std::is_same_v<T, std::string>) *out = sdk::str(*value);
    else *out = static_cast<Out>(*value);
    return POSTBUS_OK;
  }
  // An integer is a number too.
  static std::int32_t number(void* self, postbus_str name, double* out) {
    std::int64_t integer = 0;
    if (read<std::int64_t>(self, name, &integer) != POSTBUS_OK) return read<double>(self, name, out);
    *out = static_cast<double>(integer);
    return POSTBUS_OK;
  }
  static constexpr postbus_settings table{sizeof(postbus_settings),         0,
                                          read<std::int64_t, std::int64_t>, number,
                                          read<bool, std::int32_t>,         read<std::string, postbus_str>};
};

}  // namespace detail

}  // namespace postbus::testing
