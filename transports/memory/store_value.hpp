// store_value: what a key of the store holds.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace postbus::memory {

using store_list = std::deque<std::string>;
using store_hash = std::map<std::string, std::string, std::less<>>;

// Members by name and by score. Moving it leaves the names where they are.
struct store_zset {
  std::map<std::string, std::int64_t, std::less<>> scores;
  std::set<std::pair<std::int64_t, std::string_view>> order;  // of the names in `scores`

  void put(std::string_view member, std::int64_t score) {
    const auto [at, is_new] = scores.try_emplace(std::string(member), score);
    if (!is_new) order.erase({at->second, at->first});
    at->second = score;
    order.emplace(score, at->first);
  }
  void erase(std::string_view member) {
    const auto at = scores.find(member);
    order.erase({at->second, at->first});
    scores.erase(at);
  }
};

// What was counted, oldest first.
struct store_window {
  struct hit {
    std::int64_t at_ns, n;
  };
  std::deque<hit> hits;
};

using store_value = std::variant<std::string, store_list, store_hash, store_zset, store_window>;

inline std::string_view type_name(const store_value& v) {
  static constexpr std::string_view names[] = {"a string", "a list", "a hash", "a sorted set", "a window"};
  return names[v.index()];
}

// A list, a hash or a sorted set of nothing. A string of no bytes is something, and so is a window.
inline bool is_empty(const store_value& v) noexcept {
  if (const auto* list = std::get_if<store_list>(&v)) return list->empty();
  if (const auto* hash = std::get_if<store_hash>(&v)) return hash->empty();
  if (const auto* zset = std::get_if<store_zset>(&v)) return zset->scores.empty();
  return false;
}

}  // namespace postbus::memory
