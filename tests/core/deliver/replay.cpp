// Beginning in the past, where the transport remembers.
#include "refusal.hpp"
#include "support/bus.hpp"
#include "support/catch.hpp"

#include <postbus/testing/manual_clock.hpp>

using namespace postbus;
using namespace postbus::tests;

namespace {

struct remembering_bus {
  testing::manual_clock clock;
  bus b;
  std::string seen;
  std::vector<notice> told;
  std::vector<std::string> positions;

  explicit remembering_bus(std::string_view most = "100", bool dispatches_inline = false)
      : b(config_for("memory")
              .set("transport.history_max", most)
              .set("transport.dispatch", dispatches_inline ? "inline" : "queued")
              .clock(clock)) {}
  subscription subscribe(std::string_view pattern, start_point from, std::string group = "") {
    subscribe_options o;
    o.from = std::move(from);
    o.group = std::move(group);
    o.on_notice = [this](const notice& n) { told.push_back(n); };
    return b.subscribe(
        pattern,
        [this](const delivery& d) {
          seen += d.text();
          positions.emplace_back(d.position());
        },
        o);
  }
};

}  // namespace

TEST_CASE("a subscription begins at the beginning, and goes on with what is new", "[replay]") {
  remembering_bus r("100", GENERATE(false, true));
  r.b.publish("a:1", "1");
  r.b.publish("b:1", "x");
  r.b.publish("a:2", "2");
  const auto s = r.subscribe("a:*", from_beginning(), GENERATE("", "group"));
  r.b.publish("a:3", "3");
  r.clock.run_until_idle();
  CHECK(r.seen == "123");
  CHECK(r.positions == std::vector<std::string>{"1", "3", "4"});
}

TEST_CASE("by default it begins with what is new", "[replay]") {
  remembering_bus r;
  r.b.publish("a", "1");
  const auto s = r.subscribe("a", {});
  r.b.publish("a", "2");
  r.clock.run_until_idle();
  CHECK(r.seen == "2");
}

TEST_CASE("it begins behind a position that a receipt named", "[replay]") {
  remembering_bus r;
  r.b.publish("a", "1");
  const receipt second = r.b.publish("a", "2");
  r.b.publish("a", "3");
  CHECK(second.position() == "2");
  const auto s = r.subscribe("a", from_position(second.position()));
  r.clock.run_until_idle();
  CHECK(r.seen == "3");
}

TEST_CASE("it begins at a time", "[replay]") {
  remembering_bus r;
  std::vector<std::chrono::system_clock::time_point> times;
  const auto all = r.b.subscribe("a", [&](const delivery& d) { times.push_back(d.time()); });
  for (const char* text : {"1", "2", "3"}) {
    r.b.publish("a", text);
    r.clock.advance(1s);
  }
  const auto s = r.subscribe("a", from_time(times.at(1)));
  r.clock.run_until_idle();
  CHECK(r.seen == "23");
}

TEST_CASE("what is forgotten is told by a gap, before the first event", "[replay]") {
  remembering_bus r("2");
  for (const char* text : {"1", "2", "3", "4"}) r.b.publish("a", text);
  const bool by_position = GENERATE(false, true);
  const auto s = r.subscribe("a", by_position ? from_position("1") : from_beginning());
  r.clock.run_until_idle();
  CHECK(r.seen == "34");
  REQUIRE(r.told.size() == 1);
  CHECK(r.told[0].what == notice::gap);
  CHECK(r.told[0].missed == (by_position ? 1 : 2));
}

TEST_CASE("the history is bounded by bytes too", "[replay]") {
  testing::manual_clock clock;
  bus b(config_for("memory")
            .set("transport.history_max", "100")
            .set("transport.history_bytes_max", "250")
            .clock(clock));
  for (int n = 0; n < 5; ++n) b.publish("a", std::string(100, 'x'));
  int seen = 0;
  subscribe_options o;
  o.from = from_beginning();
  const auto s = b.subscribe(
      "a", [&](const delivery&) { ++seen; }, o);
  clock.run_until_idle();
  CHECK(seen == 2);
}

TEST_CASE("a group has its place: a later member does not begin anew", "[replay]") {
  remembering_bus r;
  const auto s = r.subscribe("a", from_beginning(), "g");
  const error e = refusal([&] { (void)r.subscribe("a", from_beginning(), "g"); });
  CHECK(e.code() == error::failed);
  CHECK(has(e.what(), "is there already"));
}

TEST_CASE("without a history, or with a position that was never given, it is refused", "[replay]") {
  remembering_bus none("0"), r;
  CHECK(refusal([&] { (void)none.subscribe("a", from_beginning()); }).code() == error::unsupported);
  r.b.publish("a", "1");
  CHECK(refusal([&] { (void)r.subscribe("a", from_position("2")); }).code() == error::bad_argument);
  CHECK(refusal([&] { (void)r.subscribe("a", from_position("first")); }).code() == error::bad_argument);
  CHECK(refusal([&] { (void)r.subscribe("a", from_position("")); }).code() == error::bad_argument);
}

TEST_CASE("on a transport that does not remember it is refused", "[replay]") {
  bus b(config_for("hub"));
  subscribe_options o;
  o.from = from_beginning();
  CHECK(refusal([&] {
          (void)b.subscribe(
              "a", [](const delivery&) {}, o);
        }).code() == error::unsupported);
}

TEST_CASE("a replay meets publishers under way: each event once, in the order of its position", "[replay]") {
  bus b(config_for("memory").set("transport.history_max", "100000").threads(2));
  std::atomic<bool> stop{false};
  std::vector<std::thread> publishers;
  std::atomic<std::uint64_t> published{0};
  for (int t = 0; t < 2; ++t)
    publishers.emplace_back([&] {
      for (int n = 0; n < 2'000; ++n) b.publish("a", "x"), ++published;
    });
  std::vector<std::unique_ptr<std::vector<std::uint64_t>>> seen;
  std::vector<subscription> subscriptions;
  for (int n = 0; n < 20; ++n) {
    auto& mine = *seen.emplace_back(std::make_unique<std::vector<std::uint64_t>>());
    subscribe_options o;
    o.from = from_beginning();
    subscriptions.push_back(b.subscribe(
        "a", [&mine](const delivery& d) { mine.push_back(std::stoull(std::string(d.position()))); }, o));
  }
  for (std::thread& t : publishers) t.join();
  REQUIRE(b.wait_until_idle(deadline));
  for (const auto& one : seen) {
    REQUIRE(one->size() == 4'000);
    bool right = true;
    for (std::size_t i = 0; i < one->size(); ++i) right = right && (*one)[i] == i + 1;
    CHECK(right);
  }
}
