// Events there and back, for the tests of the codecs.
#pragma once

#include "event/codec.hpp"
#include "event/event_record.hpp"
#include "support/catch.hpp"

#include <postbus/sdk/abi.hpp>

#include <memory>
#include <string>
#include <vector>

namespace codec_events {

using namespace postbus;
using namespace postbus::detail;

struct fixed_ids : id_source {
  std::int64_t wall_ns() noexcept override { return 1; }
  std::uint64_t random() noexcept override { return 2; }
};

struct release_event {
  void operator()(event_record* event) const noexcept { event->release(); }
};

// What came of some bytes, with the bytes.
struct decoded {
  std::shared_ptr<std::string> wire;
  std::string why;
  std::unique_ptr<event_record, release_event> event;

  std::string_view data() const { return sdk::view(event->data); }
  std::string header(std::string_view name) const {
    return std::string(sdk::header(*event, name).value_or("(none)"));
  }
  // A view into the bytes, not a copy.
  bool is_in_wire(std::string_view text) const {
    return text.data() >= wire->data() && text.data() + text.size() <= wire->data() + wire->size();
  }
};

// From a copy of its own.
inline decoded decode(codec how, const std::string& bytes, std::string_view topic = "came:in:on") {
  static fixed_ids ids;
  decoded d;
  d.wire = std::make_shared<std::string>(bytes);
  d.event.reset(detail::decode(wire_format{how, "text/csv"}, {sdk::bytes(*d.wire), nullptr, nullptr}, topic,
                               ids, d.why));
  CHECK((d.event != nullptr) == d.why.empty());
  return d;
}

inline std::string encoded(codec how, const postbus_event& event) {
  std::string wire = "what was there before";
  encode(wire_format{how, ""}, event, wire);
  return wire;
}

inline postbus_event small_event() {
  postbus_event e{};
  e.size = sizeof e;
  e.topic = sdk::str("a");
  e.id = sdk::str("i");
  e.source = sdk::str("s");
  e.data = sdk::bytes("d");
  e.time_ns = 1;
  return e;
}

inline const std::vector<postbus_pair> two_headers{{sdk::str("traceparent"), sdk::str("00-1-2-01")},
                                                   {sdk::str("x"), sdk::str("")}};

inline postbus_event full_event() {
  postbus_event e = small_event();
  e.topic = sdk::str("jobs:42:start");
  e.id = sdk::str("id-1");
  e.source = sdk::str("fleet");
  e.key = sdk::str("42");
  e.content_type = sdk::str("application/json");
  e.data = sdk::bytes(std::string_view("\0{}\xff", 4));
  e.headers = two_headers.data();
  e.header_count = two_headers.size();
  e.time_ns = 1'700'000'000'123'456'789;
  e.expires_ns = 1'800'000'000'000'000'000;
  return e;
}

inline void check_same(const postbus_event& a, const postbus_event& b) {
  CHECK(sdk::view(a.topic) == sdk::view(b.topic));
  CHECK(sdk::view(a.id) == sdk::view(b.id));
  CHECK(sdk::view(a.source) == sdk::view(b.source));
  CHECK(sdk::view(a.key) == sdk::view(b.key));
  CHECK(sdk::view(a.content_type) == sdk::view(b.content_type));
  CHECK(sdk::view(a.data) == sdk::view(b.data));
  CHECK(a.time_ns == b.time_ns);
  CHECK(a.expires_ns == b.expires_ns);
  REQUIRE(a.header_count == b.header_count);
  for (std::size_t i = 0; i < a.header_count; ++i) {
    CHECK(sdk::view(a.headers[i].name) == sdk::view(b.headers[i].name));
    CHECK(sdk::view(a.headers[i].value) == sdk::view(b.headers[i].value));
  }
}

// Every combination of what an event may have or lack, with data of every kind.
template <class Check>
void for_all_combinations(Check check) {
  const std::vector<std::string_view> types{"", "application/json", "text/plain", "application/octet-stream",
                                            "Image/SVG+XML"};
  const std::vector<std::string_view> bodies{"",
                                             "{\"a\": [1, 2.50]}",
                                             "null",
                                             " 1",
                                             "\"t\"",
                                             "text \"x\"\n\t\x01\x7f",
                                             "\xc3\xa9\xf0\x9f\x98\x80",
                                             "\xff\xfe",
                                             "{",
                                             "1\n"};
  for (unsigned bits = 0; bits < 8; ++bits)
    for (const std::string_view type : types)
      for (const std::string_view body : bodies) {
        postbus_event e = small_event();
        e.content_type = sdk::str(type);
        e.data = sdk::bytes(body);
        if ((bits & 1) != 0) e.key = sdk::str("k\\\"\n");
        if ((bits & 2) != 0) e.expires_ns = 1'800'000'000'000'001'000;
        if ((bits & 4) != 0) e.headers = two_headers.data(), e.header_count = two_headers.size();
        INFO(bits << " '" << type << "' '" << body << "'");
        check(e);
      }
}

}  // namespace codec_events
