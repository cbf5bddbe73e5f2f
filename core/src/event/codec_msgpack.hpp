// The msgpack codec: an event as a map of its CloudEvents attributes. What goes over the wire between buses:
//
//   { "id": str, "source": str, "type": str (the topic), "time": int (ns since the Unix epoch), "data": bin,
//     "datacontenttype": str, "partitionkey": str, "expirytime": int, "ext": { name: str } }
//
// Keys whose value is empty are left out. The order of keys is free, a key that is not known is skipped, whatever its value, so that
// newer buses may add some; a known one comes once and has its type ("data" may be a str, too).
#pragma once

#include <postbus/plugin.h>

#include <string>

namespace postbus::detail {

struct event_record;
class id_source;

// Replaces `out`. The event has its id and time.
void encode_msgpack(const postbus_event& event, std::string& out);
// The event with one reference, which owns `wire` from then on; or nullptr, `wire` still the caller's, and `why`.
event_record* decode_msgpack(const postbus_owned& wire, id_source& ids, std::string& why);

}  // namespace postbus::detail
