// The codec cloudevents+json: CloudEvents 1.0, JSON format, structured mode. What goes over the wire to programs of any kind:
//
//   { "specversion": "1.0", "id": …, "source": …, "type": the topic, "time": RFC 3339, "datacontenttype": …,
//     "partitionkey": …, "expirytime": RFC 3339, each header by its name, and "data" or "data_base64" }
//
// docs/codecs.md says what becomes of data. An event's bytes come back as they were sent.
#pragma once

#include <postbus/plugin.h>

#include <string>
#include <string_view>

namespace postbus::detail {

struct event_record;
class id_source;

// How deep data may be nested, and the document that holds it: one more.
inline constexpr unsigned json_data_depth_max = 127;

// Replaces `out`. The event has its id and time. Every text comes out as valid JSON: each byte that is not UTF-8 as U+FFFD (data
// goes as base64 then). A header that cannot be a member of its own (it is called like another attribute or an earlier header, or
// anything but a-z, 0-9) is left out. An event without source, as raw has them, gets the source "unknown": CloudEvents demands one.
void encode_cloudevents_json(const postbus_event& event, std::string& out);

// The event with one reference, which owns `wire` from then on; or nullptr, `wire` still the caller's, and `why`. Its topic is the one
// that it came in on, and another type becomes the header "cetype"; with an empty `topic` the type has to be one.
event_record* decode_cloudevents_json(const postbus_owned& wire, std::string_view topic, id_source& ids,
                                      std::string& why);

}  // namespace postbus::detail
