#include "codec.hpp"

#include "codec_cloudevents_json.hpp"
#include "codec_msgpack.hpp"
#include "event_record.hpp"

#include <postbus/sdk/abi.hpp>
#include <postbus/sdk/topic.hpp>

namespace postbus::detail {
namespace {

event_record* decode_raw(const wire_format& format, const postbus_owned& wire, std::string_view topic,
                         id_source& ids, std::string& why) {
  if (const auto fault = sdk::check_topic(topic)) {
    why = "the topic it came in on: " + sdk::describe(fault, topic);
    return nullptr;
  }
  postbus_event event{};
  event.size = sizeof event;
  event.topic = sdk::str(topic);
  event.content_type = sdk::str(format.content_type);
  event.data = wire.bytes;
  return new_event(event, &wire, ids);
}

}  // namespace

void encode(const wire_format& format, const postbus_event& event, std::string& out) {
  switch (format.codec) {
    case codec::msgpack:
      return encode_msgpack(event, out);
    case codec::cloudevents_json:
      return encode_cloudevents_json(event, out);
    case codec::raw:
      return out.clear();
  }
}

event_record* decode(const wire_format& format, const postbus_owned& wire, std::string_view topic,
                     id_source& ids, std::string& why) {
  switch (format.codec) {
    case codec::msgpack:
      return decode_msgpack(wire, ids, why);
    case codec::cloudevents_json:
      return decode_cloudevents_json(wire, topic, ids, why);
    case codec::raw:
      break;
  }
  return decode_raw(format, wire, topic, ids, why);
}

}  // namespace postbus::detail
