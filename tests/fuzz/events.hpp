// Events there and back, for the codecs' targets.
#pragma once

#include "event/codec.hpp"
#include "event/event_record.hpp"
#include "fuzz.hpp"

#include <postbus/sdk/abi.hpp>

#include <algorithm>
#include <memory>
#include <span>

namespace postbus::fuzz {

using namespace detail;

struct fixed_ids : id_source {
  std::int64_t wall_ns() noexcept override { return 1; }
  std::uint64_t random() noexcept override { return 2; }
};

struct release_event {
  void operator()(event_record* event) const noexcept { event->release(); }
};
using owned_event = std::unique_ptr<event_record, release_event>;

// Its texts may lie in `wire`. Nothing, and then with a reason: the bytes are no event.
inline owned_event decoded(codec how, std::string_view wire, std::string_view came_in_on = "came:in:on") {
  static fixed_ids ids;
  std::string why;
  owned_event event(decode(wire_format{how, ""}, {sdk::bytes(wire), nullptr, nullptr}, came_in_on, ids, why));
  demand((event != nullptr) == why.empty(), "an event, or a reason why not");
  return event;
}

inline std::string encoded(codec how, const postbus_event& event) {
  std::string wire = "what was there before";
  encode(wire_format{how, ""}, event, wire);
  return wire;
}

inline bool same(postbus_str a, postbus_str b) noexcept { return sdk::view(a) == sdk::view(b); }
inline bool same(const postbus_event& a, const postbus_event& b) noexcept {
  const std::span headers{a.headers, a.header_count}, others{b.headers, b.header_count};
  return same(a.id, b.id) && same(a.source, b.source) && same(a.topic, b.topic) && same(a.key, b.key) &&
         same(a.content_type, b.content_type) && sdk::view(a.data) == sdk::view(b.data) &&
         a.time_ns == b.time_ns && a.expires_ns == b.expires_ns &&
         std::equal(headers.begin(), headers.end(), others.begin(), others.end(),
                    [](const postbus_pair& x, const postbus_pair& y) {
                      return same(x.name, y.name) && same(x.value, y.value);
                    });
}

inline void demand_round_trip(codec how, const postbus_event& event) {
  const std::string wire = encoded(how, event);
  const owned_event back = decoded(how, wire);
  demand(back != nullptr, "what a codec writes, it reads");
  demand(same(*back, event), "what it reads is what was written");
}

}  // namespace postbus::fuzz
