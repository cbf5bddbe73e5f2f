// receipt_access: how the engine writes receipts.
#pragma once

#include "engine/threads.hpp"
#include "event/event_record.hpp"

#include <cstring>

namespace postbus {

struct receipt_access {
  static void set_position(receipt& r, std::string_view position) { r.position_.assign(position); }

  // The event's id. Where nobody has asked for one, nobody else has seen one: what it would be made from is noted, which costs two
  // stores, and id() makes it. `wall_ns`: when it was published.
  static void set_id(receipt& r, const detail::event_record& event, detail::thread_record& thread,
                     std::int64_t wall_ns) {
    if (event.has_uuid) {
      r.uuid_ = event.made;
    } else if (event.id.len != 0) {
      r.given_id_.assign(event.id.ptr, event.id.len);
    } else {
      const std::uint64_t seed[2] = {thread.id_seed, ++thread.id_count};
      std::memcpy(r.uuid_.data(), seed, sizeof seed);
      r.seeded_at_ns_ = wall_ns;
    }
  }
};

}  // namespace postbus
