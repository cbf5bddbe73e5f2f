// Texts as the cloudevents+json codec gets them.
#include "events.hpp"

using namespace postbus::fuzz;

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const owned_event event = decoded(codec::cloudevents_json, text(bytes, size));
  if (event == nullptr) return 0;
  demand_round_trip(codec::cloudevents_json, *event);
  demand_round_trip(codec::msgpack, *event);
  return 0;
}
