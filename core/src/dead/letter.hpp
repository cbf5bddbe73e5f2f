// letter: an event that was given up, with what is known of how: as attributes of the event, so that it is an event like any other.
#pragma once

#include "event/event_record.hpp"

#include <postbus/event.hpp>

#include <string>
#include <string_view>

namespace postbus::detail {

// What is known of a delivery that is given up.
struct obituary {
  std::string_view reason;  // rejected, max_deliveries, undecodable
  std::string_view error;   // what the handler said, or what went wrong
  std::string_view topic, group;
  unsigned deliveries = 0;
  std::int64_t first_ns = 0, now_ns = 0;  // wall time: of the first delivery, where it is known, and now
};

// The header by which a dead letter that was sent back says for whom it is: the box that it was in. Others ack it unseen.
inline constexpr std::string_view requeuedto_header = "requeuedto";

// The event as it is kept: with deadreason, deaderror, deadtopic, deadgroup, deaddeliveries, deadfirsttime, deadtime. One reference.
event_record* make_letter(const postbus_event& event, const obituary& what, id_source& ids);
// The event as it was, for the box it was in. One reference.
event_record* make_requeued(const postbus_event& letter, std::string_view box, id_source& ids);

// Its name within a box: source and id together are an event's own.
std::string entry_of(const postbus_event& event);

}  // namespace postbus::detail
