// codec: an event as bytes on the wire, and back. One file for each of the three; this is all that others see of them.
#pragma once

#include <postbus/plugin.h>

#include <string>
#include <string_view>

namespace postbus::detail {

struct event_record;
class id_source;

enum class codec {
  msgpack,           // a map of the event's attributes
  cloudevents_json,  // CloudEvents 1.0, JSON format, structured mode
  raw                // the data alone: channels shared with programs that know nothing of us
};

struct wire_format {
  detail::codec codec = codec::msgpack;
  std::string content_type;  // raw: of every event, for the wire does not say
};

// Replaces `out`. The event has its id and time. Under raw the wire is the event's data, and nothing is written.
void encode(const wire_format& format, const postbus_event& event, std::string& out);

// The event with one reference, which owns `wire` from then on; or nullptr, `wire` still the caller's, and `why`. `topic`: where it
// came in, which is the event's topic where the wire does not say.
event_record* decode(const wire_format& format, const postbus_owned& wire, std::string_view topic,
                     id_source& ids, std::string& why);

}  // namespace postbus::detail
