// The codec raw: the data alone.
#include "codec_events.hpp"

using namespace codec_events;

TEST_CASE("raw bytes are the data of an event on the topic where they came in", "[codec]") {
  const decoded d = decode(codec::raw, "1,2\n", "sheet:7");
  REQUIRE(d.event != nullptr);
  CHECK(sdk::view(d.event->topic) == "sheet:7");
  CHECK(sdk::view(d.event->content_type) == "text/csv");
  CHECK(d.data() == "1,2\n");
  CHECK(d.is_in_wire(d.data()));
  CHECK(d.event->source.len == 0);
  CHECK(d.event->header_count == 0);
  CHECK(d.event->id.len == 36);
  CHECK(d.event->time_ns == 1);
}

TEST_CASE("no raw bytes are an event without data", "[codec]") {
  const decoded d = decode(codec::raw, "", "sheet:7");
  REQUIRE(d.event != nullptr);
  CHECK(d.event->data.len == 0);
}

TEST_CASE("raw bytes from a topic that is none are refused with what is wrong about it", "[codec]") {
  CHECK(decode(codec::raw, "x", "").why.starts_with("the topic it came in on: "));
  CHECK(decode(codec::raw, "x", "a::b").why.starts_with("the topic it came in on: "));
}

TEST_CASE("raw writes nothing: the data itself is the wire", "[codec]") {
  CHECK(encoded(codec::raw, full_event()).empty());
}
