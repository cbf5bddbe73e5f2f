// event_record: the host's own half of a postbus_event. An event is either lent (on the publisher's stack, all views borrowed) or
// kept (one pooled block with everything in it, counted). Every postbus_event that a plugin or the core sees is one of the two.
#pragma once

#include <postbus/event.hpp>
#include <postbus/plugin.h>

#include <postbus/sdk/abi.hpp>
#include <postbus/sdk/hash.hpp>

#include <atomic>

namespace postbus::detail {

// Where ids and times come from: the clock of a bus, real or virtual.
class id_source {
 public:
  virtual ~id_source() = default;
  virtual std::int64_t wall_ns() noexcept = 0;
  virtual std::uint64_t random() noexcept = 0;
};

// A UUID of version 7 (RFC 9562): 48 bits of milliseconds, then random bits.
using uuid = std::array<std::uint8_t, 16>;
uuid make_uuid(std::int64_t wall_ns, std::uint64_t random_a, std::uint64_t random_b) noexcept;
void format_uuid(const uuid& id, char (&text)[36]) noexcept;

// Whether the handlers of an event are timed: how long they run, and also how long the event was on its way, where that is known.
enum class sampling : std::uint8_t { none, handlers, all };

struct event_record : postbus_event {
  // 0 = lent.
  std::atomic<std::uint32_t> references{0};
  // The id was made by us and stands in `made`.
  bool has_uuid = false;
  sampling timed = sampling::none;
  union {
    event_record* copy = nullptr;  // lent: the kept copy, once somebody asked for one
    const postbus_owned* foreign;  // kept: data that changed owner, or nullptr
  };
  id_source* ids = nullptr;  // lent: who makes id and time
  uuid made{};
  char id_text[36];  // not zeroed: an event on the stack is made for every publish

  event_record() noexcept {}  // who makes one sets every field: zeroing them first costs 8 ns

  static event_record& of(const postbus_event* event) noexcept {
    return *const_cast<event_record*>(static_cast<const event_record*>(event));
  }
  // Makes id and time where there are none. A kept event always has them.
  void fill() noexcept;
  // One more reference, on this or on its copy. Throws bad_alloc.
  event_record* keep();
  void release() noexcept;
};

// An event on the publisher's stack. The copy that keep() made lives as long as somebody holds it.
struct lent_event : event_record {
  lent_event() noexcept = default;
  lent_event(const lent_event&) = delete;
  lent_event& operator=(const lent_event&) = delete;
  ~lent_event() {
    if (copy != nullptr) copy->release();
  }
};

// An event as users have it.
struct event_access {
  // The reference is the event's from now on.
  static postbus::event adopt(const postbus_event* kept) noexcept { return postbus::event(kept); }
};

// A kept event with one reference, everything copied; but data that changes owner (`data`, or nullptr) is taken as it is.
// Throws bad_alloc, and then `data` is still the caller's. Fills id and time from `ids`.
event_record* new_event(const postbus_event& fields, const postbus_owned* data, id_source& ids);

// The same, of an event that was read from `wire`, which changes owner: what of the fields lies in the wire stays there, and only
// the rest is copied. Throws bad_alloc, and then `wire` is still the caller's.
event_record* new_event_over(const postbus_event& fields, const postbus_owned& wire, id_source& ids);

}  // namespace postbus::detail
