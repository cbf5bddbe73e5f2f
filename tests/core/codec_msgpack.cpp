// The msgpack codec: what goes over the wire, and what is refused.
#include "codec_msgpack.hpp"

#include "event_record.hpp"
#include "support/catch.hpp"

#include <msgpack.hpp>

#include <memory>

using namespace postbus;
using namespace postbus::detail;

namespace {

struct fixed_ids : id_source {
  std::int64_t wall_ns() noexcept override { return 1; }
  std::uint64_t random() noexcept override { return 2; }
};
fixed_ids ids;

std::string encoded(const postbus_event& event) {
  std::string wire;
  encode_msgpack(event, wire);
  return wire;
}

struct decoded {
  std::string wire, why;
  std::unique_ptr<event_record, void (*)(event_record*)> event{nullptr,
                                                               [](event_record* e) { e->release(); }};
};

// Decodes from a copy of its own, and says why not.
decoded decode(const std::string& bytes) {
  decoded d;
  d.wire = bytes;
  const postbus_owned owned{sdk::bytes(d.wire), nullptr, nullptr};
  d.event.reset(decode_msgpack(owned, ids, d.why));
  return d;
}

postbus_event full_event(const std::vector<postbus_pair>& headers) {
  postbus_event e{};
  e.size = sizeof e;
  e.topic = sdk::str("jobs:42:start");
  e.id = sdk::str("id-1");
  e.source = sdk::str("fleet");
  e.key = sdk::str("42");
  e.content_type = sdk::str("application/json");
  e.data = sdk::bytes(std::string_view("\0{}\xff", 4));
  e.headers = headers.data();
  e.header_count = headers.size();
  e.time_ns = 1'700'000'000'123'456'789;
  e.expires_ns = 1'800'000'000'000'000'000;
  return e;
}

const std::vector<postbus_pair> two_headers{{sdk::str("traceparent"), sdk::str("00-1-2-01")},
                                            {sdk::str("x"), sdk::str("")}};

template <class Pack>
std::string packed(Pack pack) {
  msgpack::sbuffer buffer;
  msgpack::packer<msgpack::sbuffer> p(buffer);
  pack(p);
  return {buffer.data(), buffer.size()};
}

}  // namespace

TEST_CASE("an event survives the wire with every attribute", "[codec]") {
  const decoded d = decode(encoded(full_event(two_headers)));
  REQUIRE(d.event != nullptr);
  const postbus_event& e = *d.event;
  CHECK(sdk::view(e.topic) == "jobs:42:start");
  CHECK(sdk::view(e.id) == "id-1");
  CHECK(sdk::view(e.source) == "fleet");
  CHECK(sdk::view(e.key) == "42");
  CHECK(sdk::view(e.content_type) == "application/json");
  CHECK(sdk::view(e.data) == std::string_view("\0{}\xff", 4));
  CHECK(e.time_ns == 1'700'000'000'123'456'789);
  CHECK(e.expires_ns == 1'800'000'000'000'000'000);
  REQUIRE(e.header_count == 2);
  CHECK(sdk::header(e, "traceparent") == std::optional<std::string_view>("00-1-2-01"));
  CHECK(sdk::header(e, "x") == std::optional<std::string_view>(""));
}

TEST_CASE("the bytes of a small event are what they are for ever", "[codec]") {
  postbus_event e{};
  e.size = sizeof e;
  e.topic = sdk::str("a");
  e.id = sdk::str("i");
  e.source = sdk::str("s");
  e.data = sdk::bytes("d");
  e.time_ns = 1;
  CHECK(encoded(e) ==
        "\x85\xa2id\xa1i\xa6source\xa1s\xa4type\xa1"
        "a\xa4time\x01\xa4"
        "data\xc4\x01"
        "d");
}

TEST_CASE("a message that is cut off anywhere is refused", "[codec]") {
  const std::string wire = encoded(full_event(two_headers));
  for (std::size_t n = 0; n < wire.size(); ++n) {
    INFO(n);
    const decoded d = decode(wire.substr(0, n));
    CHECK(d.event == nullptr);
    CHECK_FALSE(d.why.empty());
  }
  CHECK(decode(wire + "x").event == nullptr);
}

TEST_CASE("a message with any byte changed is decoded or refused, and nothing worse", "[codec]") {
  const std::string wire = encoded(full_event(two_headers));
  for (std::size_t n = 0; n < wire.size(); ++n)
    for (const int change : {0x01, 0x80, 0xff}) {
      std::string other = wire;
      other[n] = static_cast<char>(other[n] ^ change);
      const decoded d = decode(other);
      CHECK((d.event != nullptr) == d.why.empty());
    }
}

TEST_CASE("what is no event is refused with what is wrong", "[codec]") {
  const auto why = [](const std::string& wire) { return decode(wire).why; };
  CHECK(why(packed([](auto& p) { p.pack_int(7); })) == "no map");
  CHECK(why(packed([](auto& p) { p.pack_nil(); })) == "no map");
  CHECK(why(packed([](auto& p) { p.pack_array(1).pack_int(7); })) == "an array where none belongs");
  CHECK(why(packed([](auto& p) { p.pack_map(0); })) == "no 'type'");
  CHECK(why(packed([](auto& p) { p.pack_map(1).pack("type").pack("a"); })) == "no 'id'");
  CHECK(why(packed([](auto& p) { p.pack_map(2).pack("type").pack("not a topic").pack("id").pack("i"); })) ==
        "'type' is no topic");
}

TEST_CASE("keys that are not known are skipped", "[codec]") {
  const decoded d = decode(packed([](auto& p) {
    p.pack_map(4).pack("type").pack("a").pack("id").pack("i").pack("later").pack_map(1).pack("x").pack("y");
    p.pack("flag").pack_true();
  }));
  REQUIRE(d.event != nullptr);
  CHECK(d.event->header_count == 0);
}
