// receipt_access: how the engine writes receipts.
#pragma once

#include "event_record.hpp"

namespace postbus {

struct receipt_access {
  static void set_position(receipt& r, std::string_view position) { r.position_.assign(position); }
  // The id is the event's; where nobody has asked for it yet, one is made now.
  static void set_id(receipt& r, const detail::event_record& event, detail::id_source& ids) {
    if (event.has_uuid) {
      r.uuid_ = event.made;
    } else if (event.id.len != 0) {
      r.given_id_.assign(event.id.ptr, event.id.len);
    } else {
      r.uuid_ = detail::make_uuid(ids.wall_ns(), ids.random(), ids.random());
    }
  }
};

}  // namespace postbus
