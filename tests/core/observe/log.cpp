// The log: who may speak, what is said once and then counted, and how a line looks.
#define POSTBUS_MODULE test_log_module
#include "observe/log.hpp"

#include "puppet.hpp"
#include "refusal.hpp"
#include "support/standard_error.hpp"
#include "text/json.hpp"

using namespace postbus;
using namespace postbus::tests;

PUPPETS

namespace {

using lines = std::vector<std::string>;

// A bus under a manual clock whose log lines are kept as "warn mood: text".
struct bus_with_log {
  testing::manual_clock clock;
  lines said;
  bus b;

  explicit bus_with_log(config c = config_for("puppet"))
      : b(c.feature("mood")
              .module(test_log_module)
              .set("log.level", "info")
              .clock(clock)
              .log_to([this](const log_line& l) {
                said.push_back(std::string(detail::to_string(l.level)) + " " + std::string(l.module) + ": " +
                               std::string(l.message));
              })) {
    b.set_log_level(log_level::info);
  }
  lines take() { return std::exchange(said, {}); }
};

}  // namespace

TEST_CASE("of a burst the first line is said, and the others are summed up when its window ends", "[log]") {
  detail::log_bursts b;
  std::vector<detail::log_bursts::line> sums;
  const std::int64_t s = 1'000'000'000;
  CHECK(b.admit(0, 3, "bus", "k", "first", sums));
  CHECK(b.next_end_ns() == INT64_MAX);
  CHECK_FALSE(b.admit(1 * s, 3, "bus", "k", "second", sums));
  CHECK_FALSE(b.admit(2 * s, 3, "bus", "k", "third", sums));
  CHECK(b.admit(2 * s, 3, "bus", "other", "x", sums));
  CHECK(b.admit(2 * s, 3, "mood", "k", "x", sums));
  CHECK(b.next_end_ns() == 5 * s);
  b.end(5 * s - 1, sums);
  CHECK(sums.empty());
  b.end(5 * s, sums);
  REQUIRE(sums.size() == 1);
  CHECK(sums[0].message == "first (and 2 more like it in 5 s)");
  CHECK(sums[0].level == 3);
  CHECK(b.admit(5 * s, 3, "bus", "k", "again", sums));
  CHECK(sums.size() == 1);
}

TEST_CASE("what comes after a window that nobody ended brings its sum along", "[log]") {
  detail::log_bursts b;
  std::vector<detail::log_bursts::line> sums;
  b.admit(0, 3, "bus", "k", "old", sums);
  b.admit(1, 3, "bus", "k", "old", sums);
  CHECK(b.admit(9'000'000'000, 3, "bus", "k", "new", sums));
  REQUIRE(sums.size() == 1);
  CHECK(sums[0].message == "old (and 1 more like it in 5 s)");
}

TEST_CASE("no more than 256 bursts are remembered, and the oldest is summed up for a new one", "[log]") {
  detail::log_bursts b;
  std::vector<detail::log_bursts::line> sums;
  for (int i = 0; i < 256; ++i) CHECK(b.admit(i, 3, "bus", std::to_string(i), "m" + std::to_string(i), sums));
  b.admit(300, 3, "bus", "0", "m0", sums);
  CHECK(sums.empty());
  CHECK(b.admit(400, 3, "bus", "one too many", "x", sums));
  REQUIRE(sums.size() == 1);
  CHECK(sums[0].message == "m0 (and 1 more like it in 1 s)");
}

TEST_CASE("a plugin's line that repeats is said once and then counted, on the bus's clock", "[log]") {
  bus_with_log t;
  for (int i = 0; i < 38; ++i) t.b.call("mood.say", "rain");
  t.b.call("mood.say", "snow");
  CHECK(t.take() == lines{"warn mood: rain", "warn mood: snow"});
  t.clock.advance(4s);
  CHECK(t.take().empty());
  t.clock.advance(1s);
  CHECK(t.take() == lines{"warn mood: rain (and 37 more like it in 5 s)"});
  t.clock.advance(60s);
  CHECK(t.take().empty());
  t.b.call("mood.say", "rain");
  CHECK(t.take() == lines{"warn mood: rain"});
}

TEST_CASE("close sums up what was only counted", "[log]") {
  bus_with_log t;
  t.b.call("mood.say", "rain");
  t.b.call("mood.say", "rain");
  t.clock.advance(2s);
  t.take();
  t.b.close();
  CHECK(t.take() == lines{"warn mood: rain (and 1 more like it in 2 s)"});
}

TEST_CASE("each module has its level, and it changes while the bus runs", "[log]") {
  bus_with_log t;
  t.b.call("mood.whisper", "one");
  t.b.set_log_level(log_level::debug, "mood");
  t.b.call("mood.whisper", "two");
  t.b.set_log_level(log_level::error, "mood");
  t.b.call("mood.say", "three");
  t.b.set_log_level(log_level::off);
  t.b.call("mood.say", "four");
  t.b.set_log_level(log_level::warn);
  t.b.call("mood.say", "five");
  CHECK(t.take() == lines{"debug mood: two", "warn mood: five"});
  CHECK(has(refusal([&] { t.b.set_log_level(log_level::info, "mod"); }).what(), "did you mean 'mood'"));
}

TEST_CASE("the configuration has levels of modules", "[log]") {
  testing::manual_clock clock;
  lines said;
  bus b(config_for("puppet")
            .feature("mood")
            .module(test_log_module)
            .clock(clock)
            .set("log.modules.mood", "debug")
            .log_to([&](const log_line& l) { said.emplace_back(l.message); }));
  const auto s = b.subscribe("a", [](const delivery&) {});
  b.call("mood.whisper", "heard");
  b.call("puppet.gap");
  CHECK(said == lines{"heard"});
}

TEST_CASE("a sink that throws harms nobody", "[log]") {
  testing::manual_clock clock;
  int called = 0;
  bus b(config_for("puppet")
            .feature("mood")
            .module(test_log_module)
            .clock(clock)
            .set("log.level", "info")
            .log_to([&](const log_line&) {
              ++called;
              throw std::runtime_error("full disk");
            }));
  CHECK(b.call("mood.say", "x") == "{}");
  CHECK(called == 1);
}

TEST_CASE("a sink is given time, level, bus and module with the line", "[log]") {
  testing::manual_clock clock;
  std::string seen;
  bus b(config_for("puppet")
            .name("fleet")
            .feature("mood")
            .module(test_log_module)
            .clock(clock)
            .set("log.level", "info")
            .log_to([&](const log_line& l) {
              const auto ms =
                  std::chrono::duration_cast<std::chrono::milliseconds>(l.time.time_since_epoch()).count();
              seen = std::to_string(ms) + " " + std::string(l.bus) + " " + std::string(l.module) + " " +
                     std::string(l.message);
            }));
  clock.advance(1500ms);
  b.call("mood.say", "a\nb");
  CHECK(seen == "1767225601500 fleet mood a\\nb");
}

TEST_CASE("JSON lines are objects, whatever bytes the message has", "[log]") {
  const std::string text = standard_error_of([] {
    testing::manual_clock clock;
    bus b(config_for("puppet")
              .name("fleet")
              .feature("mood")
              .module(test_log_module)
              .clock(clock)
              .set("log.level", "info")
              .set("log.format", "json"));
    b.call("mood.say", "plain");
    b.call("mood.say", "\"quoted\" \\ line\nend \xff \x01");
  });
  const std::size_t end = text.find('\n');
  REQUIRE(end != std::string::npos);
  CHECK(
      text.substr(0, end) ==
      R"({"time":"2026-01-01T00:00:00.000Z","level":"warn","bus":"fleet","module":"mood","message":"plain"})");
  const detail::json::value second = detail::json::parse(text.substr(end + 1));
  CHECK(second.at("message").as_string() == "\"quoted\" \\ line\nend \ufffd \x01");
  CHECK(std::count(text.begin(), text.end(), '\n') == 2);
}

TEST_CASE("text lines have no colours where there is no terminal", "[log]") {
  const std::string text = standard_error_of([] {
    testing::manual_clock clock;
    bus b(config_for("puppet")
              .name("fleet")
              .feature("mood")
              .module(test_log_module)
              .clock(clock)
              .set("log.level", "info"));
    b.call("mood.say", "clouds\nrain");
  });
  CHECK(text == "2026-01-01T00:00:00.000Z warning fleet [mood] clouds\\nrain\n");
}

TEST_CASE(
    "a burst of messages that cannot be decoded, and of settlements that fail, is two lines and two sums",
    "[log]") {
  bus_with_log t;
  const auto s = t.b.subscribe("a", [](const delivery&) {});
  for (int i = 0; i < 3; ++i) {
    t.b.call("puppet.garble", "\xc1");
    t.clock.run_until_idle();
  }
  const lines said = t.take();
  REQUIRE(said.size() == 3);
  CHECK(has(said[0], "error bus: a message on 'a' cannot be decoded: "));
  CHECK(has(said[1], "error bus: event ? on 'a' is given up by 'a' after 0 deliveries: undecodable: "));
  CHECK(said[2] ==
        "error bus: [transport] did not take 1 of 1 settlements: unavailable: the strings are cut");
  t.clock.advance(5s);
  const lines sums = t.take();
  REQUIRE(sums.size() == 3);
  for (const std::string& sum : sums) CHECK(has(sum, "(and 2 more like it in 5 s)"));
}

TEST_CASE("what a transport tells a subscription is said with what was missed", "[log]") {
  bus_with_log t;
  const auto s = t.b.subscribe("a:*", [](const delivery&) {});
  t.b.call("puppet.gap");
  t.b.call("puppet.gap");
  t.b.call("puppet.ended");
  CHECK(t.take() ==
        lines{"warn bus: the subscription to 'a:*' missed events on [transport], 3 of them",
              "error bus: the subscription to 'a:*' gets no more events on [transport]: no permission"});
}

TEST_CASE("a feature that fails or answers what it may not is named once", "[log]") {
  bus_with_log t;
  error_code ec;
  for (const char* data : {"fail", "fail", "forbidden", "forbidden"}) t.b.publish("a", data, {}, ec);
  const lines said = t.take();
  REQUIRE(said.size() == 3);
  CHECK(said[0] == "error mood: in a bad mood");
  CHECK(said[1] == "error bus: feature 'mood' failed at a publish on 'a'");
  CHECK(has(said[2], "error bus: feature 'mood' answered with the verdict 3, which it may not"));
}

TEST_CASE("a state of a plugin is logged with reason and remedy", "[log]") {
  bus_with_log t;
  t.b.call("mood.feel", "tired");
  t.b.call("mood.feel", "well");
  CHECK(t.take() == lines{"warn mood: degraded: tired; a day off", "info mood: healthy"});
}
