// Bytes as the msgpack codec gets them.
#include "events.hpp"

using namespace postbus;
using namespace postbus::fuzz;

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const owned_event event = decoded(codec::msgpack, text(bytes, size));
  if (event == nullptr) return 0;
  demand_round_trip(codec::msgpack, *event);
  // JSON has no word for all that msgpack can hold (texts that are not UTF-8), but what it makes of it is an event.
  const std::string json = encoded(codec::cloudevents_json, *event);
  const owned_event back = decoded(codec::cloudevents_json, json, sdk::view(event->topic));
  demand(back != nullptr, "every event can be written as JSON");
  demand(same(back->topic, event->topic), "with its topic");
  demand(sdk::view(back->data) == sdk::view(event->data), "and with its data");
  return 0;
}
