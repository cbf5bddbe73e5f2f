// names: what an event is called in the store. Each part that could hold anything goes with its length, so that no two events have one
// name.
//
//   dedup:7:workers:6:jobs:*:7:postbus/0190c2f4…    of the group `workers` at jobs:*, by source and id
//   dedup:7:workers:6:jobs:*:=42                    by the value of the configured key
//   dedup:@8371….3:7:postbus/0190c2f4…              of a subscription without a group, which nobody shares
//   dedup:publish:7:postbus/0190c2f4…               of a publish
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

namespace postbus::dedup_plugin::names {

inline constexpr std::string_view prefix = "dedup:";

inline void append(std::string& to, std::uint64_t number) {
  std::array<char, 20> digits{};
  to.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
}

// ---- whose it is; each begins anew
inline void of_publishes(std::string& to) { to.assign(prefix).append("publish:"); }
// A group is its name and its pattern: those of one name at two patterns each get the event.
inline void of_group(std::string& to, std::string_view group, std::string_view pattern) {
  append(to.assign(prefix), group.size());
  append(to.append(":").append(group).append(":"), pattern.size());
  to.append(":").append(pattern) += ':';
}
// `bus` names the bus among all.
inline void of_subscription(std::string& to, std::string_view bus, std::uint64_t number) {
  to.assign(prefix).append("@").append(bus) += '.';
  append(to, number);
  to += ':';
}

// ---- which event it is
inline void add_event(std::string& to, std::string_view source, std::string_view id) {
  append(to, source.size());
  to.append(":").append(source).append("/").append(id);
}
inline void add_key(std::string& to, std::string_view key) { to.append("=").append(key); }

}  // namespace postbus::dedup_plugin::names
