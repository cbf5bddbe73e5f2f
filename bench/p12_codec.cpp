// P12: an event of 256 B and three headers to bytes and back; msgpack, and CloudEvents JSON beside Boost.JSON.
#include "event/codec.hpp"
#include "event/event_record.hpp"
#include "harness.hpp"
#include "malloc_count.hpp"
#include "text/json.hpp"

#include <array>

namespace postbus::bench {
namespace {

struct fixed_ids : detail::id_source {
  std::int64_t wall_ns() noexcept override { return 1; }
  std::uint64_t random() noexcept override { return 2; }
};

// What an agent reports: 256 bytes of JSON.
const std::string body = [] {
  std::string text =
      R"({"user":42,"state":"running","step":17,"of":40,"rate":0.25,"tags":["a","b","c"],"note":")";
  text.append(256 - text.size() - 2, 'x');
  return text + "\"}";
}();
const std::array<postbus_pair, 3> headers{{
    {sdk::str("traceparent"), sdk::str("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")},
    {sdk::str("correlationid"), sdk::str("018c2b1e-5a7c-7000-8000-0123456789ab")},
    {sdk::str("tenant"), sdk::str("north")},
}};

postbus_event sample() {
  postbus_event e{};
  e.size = sizeof e;
  e.topic = sdk::str("agent:status:42");
  e.id = sdk::str("018c2b1e-5a7c-7123-8456-0123456789ab");
  e.source = sdk::str("fleet");
  e.content_type = sdk::str("application/json");
  e.data = sdk::bytes(body);
  e.headers = headers.data();
  e.header_count = headers.size();
  e.time_ns = 1'700'000'000'123'456'789;
  return e;
}

// One codec's way there and back.
struct contestant {
  detail::wire_format format;
  postbus_event event = sample();
  std::string wire{};
  fixed_ids ids{};

  void encode() { detail::encode(format, event, wire); }
  void decode() {
    std::string why;
    detail::event_record* back = detail::decode(format, {sdk::bytes(wire), nullptr, nullptr}, "", ids, why);
    if (back == nullptr || back->header_count != headers.size() || back->data.len != body.size())
      broken("P12: not decoded: " + why);
    back->release();
  }
};

}  // namespace

std::vector<row> p12_codec(const settings& how) {
  namespace json = boost::json;
  contestant msgpack{{detail::codec::msgpack, ""}}, cloudevents{{detail::codec::cloudevents_json, ""}};
  msgpack.encode();
  cloudevents.encode();
  const json::value tree = json::parse(cloudevents.wire);
  std::size_t bytes = 0;

  const std::size_t n = how.scaled(100'000);
  std::uint64_t mallocs = 0;
  const auto counted = [&](contestant& c) {
    const std::uint64_t before = malloc_calls();
    count_mallocs(true);
    const double ns = ns_each(n, [&] { c.decode(); });
    count_mallocs(false);
    mallocs = malloc_calls() - before;
    return ns;
  };
  const auto ns = take_turns(
      how.rounds(),
      {
          [&] { return ns_each(n, [&] { msgpack.encode(); }); },
          [&] { return counted(msgpack); },
          [&] { return ns_each(n, [&] { cloudevents.encode(); }); },
          [&] { return ns_each(n, [&] { cloudevents.decode(); }); },
          [&] { return ns_each(n, [&] { bytes += json::serialize(tree).size(); }); },
          [&] { return ns_each(n, [&] { bytes += json::parse(cloudevents.wire).as_object().size(); }); },
      });
  if (bytes == 0) broken("P12: Boost.JSON did nothing");
  const double each = static_cast<double>(mallocs) / static_cast<double>(n);
  return {
      {"P12.encode",
       "msgpack, 256 B and 3 headers, to bytes",
       "ns",
       ns[0],
       "",
       {},
       wanted::value_at_most,
       150},
      {"P12.decode", "… and back, as views into the bytes", "ns", ns[1], "", {}, wanted::value_at_most, 150},
      {"P12.malloc", "… calls of malloc for one of them", "", each, "", {}, wanted::value_at_most, 1},
      {"P12.json.encode", "cloudevents+json", "ns", ns[2], "boost::json::serialize", ns[4],
       wanted::ratio_at_most, 1},
      {"P12.json.decode", "cloudevents+json", "ns", ns[3], "boost::json::parse", ns[5], wanted::ratio_at_most,
       1},
  };
}

}  // namespace postbus::bench
