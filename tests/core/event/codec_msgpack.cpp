// The msgpack codec: what goes over the wire, and what is refused.
#include "codec_events.hpp"

#include <msgpack.hpp>

#include <string_view>

using namespace codec_events;
using namespace std::string_view_literals;

namespace {

decoded decode(const std::string& wire) { return codec_events::decode(codec::msgpack, wire); }
std::string encoded(const postbus_event& event) { return codec_events::encoded(codec::msgpack, event); }

// As another program writes it.
template <class Pack>
std::string packed(Pack pack) {
  msgpack::sbuffer buffer;
  msgpack::packer<msgpack::sbuffer> p(buffer);
  pack(p);
  return {buffer.data(), buffer.size()};
}
// An event with one key more.
template <class Pack>
std::string with(const char* key, Pack pack) {
  return packed([&](auto& p) {
    p.pack_map(3).pack("type").pack("a").pack("id").pack("i").pack(key);
    pack(p);
  });
}
std::string why(const std::string& wire) { return decode(wire).why; }

}  // namespace

TEST_CASE("an event survives the wire with every attribute", "[codec]") {
  const postbus_event full = full_event();
  const decoded d = decode(encoded(full));
  REQUIRE(d.event != nullptr);
  check_same(*d.event, full);
  CHECK(d.header("x").empty());
}

TEST_CASE("an event survives msgpack in every combination of its attributes", "[codec]") {
  for_all_combinations([](const postbus_event& e) {
    const decoded d = decode(encoded(e));
    REQUIRE(d.event != nullptr);
    check_same(*d.event, e);
  });
}

TEST_CASE("the bytes of a small event are what they are for ever", "[codec]") {
  CHECK(encoded(small_event()) ==
        "\x85\xa2id\xa1i\xa6source\xa1s\xa4type\xa1"
        "a\xa4time\x01\xa4"
        "data\xc4\x01"
        "d");
}

TEST_CASE("the bytes of a full event are what they are for ever", "[codec]") {
  const std::string_view golden =
      "\x89\xa2id\xa4id-1\xa6source\xa5"
      "fleet\xa4type\xadjobs:42:start\xaf"
      "datacontenttype\xb0"
      "application/json\xacpartitionkey\xa2"
      "42\xa4time\xcf\x17\x97\x9c\xfe\x3d\x85\xcd\x15\xaa"
      "expirytime\xcf\x18\xfa\xe2\x76\x93\xb4\x00\x00\xa3"
      "ext\x82\xabtraceparent\xa9"
      "00-1-2-01\xa1x\xa0\xa4"
      "data\xc4\x04\0{}\xff"sv;
  CHECK(encoded(full_event()) == golden);
}

TEST_CASE("what is read from msgpack are views into its bytes", "[codec]") {
  const decoded d = decode(encoded(full_event()));
  REQUIRE(d.event != nullptr);
  for (const postbus_str text : {d.event->topic, d.event->id, d.event->source, d.event->key,
                                 d.event->content_type, d.event->headers[0].name, d.event->headers[0].value})
    CHECK(d.is_in_wire(sdk::view(text)));
  CHECK(d.is_in_wire(d.data()));
}

TEST_CASE("bytes that became an event are released with its last reference, others stay the caller's",
          "[codec]") {
  fixed_ids ids;
  const std::string good = encoded(full_event()), bad = good.substr(1);
  int released = 0;
  const auto release = [](void* count) { ++*static_cast<int*>(count); };
  std::string reason;
  CHECK(detail::decode({}, {sdk::bytes(bad), release, &released}, "", ids, reason) == nullptr);
  CHECK(released == 0);
  event_record* event = detail::decode({}, {sdk::bytes(good), release, &released}, "", ids, reason);
  REQUIRE(event != nullptr);
  event->keep();
  event->release();
  CHECK(released == 0);
  event->release();
  CHECK(released == 1);
}

TEST_CASE("a message that is cut off anywhere is refused, and where is said", "[codec]") {
  const std::string wire = encoded(full_event());
  for (std::size_t n = 0; n < wire.size(); ++n) {
    INFO(n);
    CHECK(why(wire.substr(0, n)) == "cut off (byte " + std::to_string(n) + ")");
  }
  CHECK(why(wire + "x") == "more bytes behind the map (byte " + std::to_string(wire.size()) + ")");
}

TEST_CASE("a message with any byte changed is decoded or refused, and nothing worse", "[codec]") {
  const std::string wire = encoded(full_event());
  for (std::size_t n = 0; n < wire.size(); ++n)
    for (const int change : {0x01, 0x80, 0xff}) {
      std::string other = wire;
      other[n] = static_cast<char>(other[n] ^ change);
      decode(other);
    }
}

TEST_CASE("what is no event is refused with what is wrong", "[codec]") {
  CHECK(why(packed([](auto& p) { p.pack_int(7); })) == "no map (byte 0)");
  CHECK(why(packed([](auto& p) { p.pack_nil(); })) == "no map (byte 0)");
  CHECK(why(packed([](auto& p) { p.pack_array(1).pack_int(7); })) == "no map (byte 0)");
  CHECK(why(packed([](auto& p) { p.pack_map(0); })) == "no 'type'");
  CHECK(why(packed([](auto& p) { p.pack_map(1).pack("type").pack("a"); })) == "no 'id'");
  CHECK(why(packed([](auto& p) { p.pack_map(1).pack(7).pack("a"); })) == "a key that is no text (byte 1)");
  CHECK(why("\xc1") == "no msgpack (byte 0)");
  const std::string topic =
      why(packed([](auto& p) { p.pack_map(2).pack("type").pack("a b").pack("id").pack("i"); }));
  CHECK(topic.starts_with("'type': "));
}

TEST_CASE("an attribute of the wrong kind is refused by its name", "[codec]") {
  CHECK(why(with("source", [](auto& p) { p.pack_int(7); })) == "'source' is no text (byte 20)");
  CHECK(why(with("time", [](auto& p) { p.pack("now"); })) == "'time' is no integer below 2^63 (byte 18)");
  CHECK(why(with("time", [](auto& p) { p.pack_uint64(std::uint64_t(1) << 63); })) ==
        "'time' is no integer below 2^63 (byte 18)");
  CHECK(why(with("data", [](auto& p) { p.pack_nil(); })) == "'data' is no bytes (byte 18)");
  CHECK(why(with("ext", [](auto& p) { p.pack_array(0); })) == "'ext' is no map (byte 17)");
  CHECK(why(with("ext", [](auto& p) { p.pack_map(1).pack("n").pack(7); })) ==
        "a header that is no text (byte 18)");
  CHECK(why(with("id", [](auto& p) { p.pack("again"); })) == "'id' twice (byte 13)");
}

TEST_CASE("times may have any width and sign", "[codec]") {
  const auto time = [](auto pack) { return decode(with("time", pack)).event->time_ns; };
  CHECK(time([](auto& p) { p.pack_int(5); }) == 5);
  CHECK(time([](auto& p) { p.pack_int(-5); }) == -5);
  CHECK(time([](auto& p) { p.pack_int8(-100); }) == -100);
  CHECK(time([](auto& p) { p.pack_int16(-30'000); }) == -30'000);
  CHECK(time([](auto& p) { p.pack_int32(-2'000'000'000); }) == -2'000'000'000);
  CHECK(time([](auto& p) { p.pack_int64(-4'000'000'000'000); }) == -4'000'000'000'000);
  CHECK(time([](auto& p) { p.pack_uint8(200); }) == 200);
  CHECK(time([](auto& p) { p.pack_uint16(60'000); }) == 60'000);
  CHECK(time([](auto& p) { p.pack_uint32(4'000'000'000); }) == 4'000'000'000);
}

TEST_CASE("long texts and large data are read", "[codec]") {
  for (const std::size_t size : {31, 32, 255, 256, 65'535, 65'536}) {
    const std::string text(size, 'x');
    postbus_event e = small_event();
    e.source = e.key = sdk::str(text);
    e.data = sdk::bytes(text);
    const decoded d = decode(encoded(e));
    REQUIRE(d.event != nullptr);
    check_same(*d.event, e);
  }
}

TEST_CASE("as many headers as are read, and one more", "[codec]") {
  const auto many = [](std::uint32_t n) {
    return with("ext", [n](auto& p) {
      p.pack_map(n);
      for (std::uint32_t i = 0; i < n; ++i) p.pack("h" + std::to_string(i)).pack("v");
    });
  };
  const decoded d = decode(many(128));
  REQUIRE(d.event != nullptr);
  CHECK(d.event->header_count == 128);
  CHECK(d.header("h127") == "v");
  CHECK(why(many(129)) == "more than 128 headers (byte 17)");
}

TEST_CASE("keys that are not known are skipped, whatever they hold", "[codec]") {
  const decoded d = decode(with("later", [](auto& p) {
    p.pack_map(2).pack("x").pack_array(3).pack_nil().pack_true().pack(2.5).pack("y").pack_map(1).pack(1).pack(
        -1);
  }));
  REQUIRE(d.event != nullptr);
  CHECK(d.event->header_count == 0);
  const std::string ext = with("later", [](auto& p) { p.pack_ext(5, 1).pack_ext_body("12345", 5); });
  CHECK(decode(ext).event != nullptr);
}

TEST_CASE("a map in a map in a map is no deeper than we can count", "[codec]") {
  std::string wire = with("later", [](auto&) {});
  for (int i = 0; i < 100'000; ++i) wire += "\x91";
  CHECK(why(wire) == "cut off (byte " + std::to_string(wire.size()) + ")");
  CHECK(decode(wire + "\xc0").event != nullptr);
}
