// scope: what a pause is about: the value of the configured key (a user), the topics of a pattern, or everything.
#pragma once

#include <postbus/sdk/topic.hpp>

#include <string>
#include <string_view>

namespace postbus::brake_plugin {

struct scope {
  enum kind_t { key, pattern, all } kind = key;
  std::string value;  // the key's, or the pattern

  // What the store's keys end with: "42", "*:jobs:**", "*". No capture begins with '*', so the three never meet.
  std::string name() const {
    if (kind == all) return "*";
    return kind == pattern ? "*:" + value : value;
  }
  static scope named(std::string_view name) {
    if (name == "*") return {all, {}};
    if (name.starts_with("*:")) return {pattern, std::string(name.substr(2))};
    return {key, std::string(name)};
  }
  bool covers(std::string_view item_key, std::string_view topic) const noexcept {
    if (kind == key) return value == item_key;
    return kind == all || sdk::matches(value, topic);
  }
};

// Of an item: a key that could be taken for another kind of scope is none.
inline std::string_view key_of(std::string_view item_key) noexcept {
  return item_key.starts_with('*') ? std::string_view() : item_key;
}

}  // namespace postbus::brake_plugin
