// Schedules: at which times, by whom, and what is known of them.
#include "refusal.hpp"
#include "schedule/cron.hpp"
#include "support/bus.hpp"
#include "support/catch.hpp"

#include <postbus/testing/manual_clock.hpp>

using namespace postbus;
using namespace postbus::tests;

namespace {

// 2026-01-01T00:00:00Z, a Thursday: where the manual clock begins.
constexpr std::int64_t start_s = 1'767'225'600;

struct scheduled_bus {
  testing::manual_clock& clock;
  bus b;
  std::vector<std::string> ids;
  subscription s;

  explicit scheduled_bus(testing::manual_clock& c, std::string_view instance = "")
      : clock(c),
        b(config_for("memory").set("store.plugin", "memory-store").set("store.instance", instance).clock(c)),
        s(b.subscribe("**", [this](const delivery& d) { ids.emplace_back(d.id()); })) {}
};

schedule every(std::chrono::seconds period) {
  schedule what;
  what.topic = "tick";
  what.every = period;
  return what;
}

std::vector<std::int64_t> times_of(std::string_view expression, int n) {
  const detail::cron c(expression);
  std::vector<std::int64_t> all;
  for (std::int64_t at = start_s; n > 0; --n) all.push_back((at = c.next(at)) - start_s);
  return all;
}

}  // namespace

TEST_CASE("an interval is kept from the epoch on, and the event's id names the schedule and the time",
          "[schedules]") {
  testing::manual_clock clock;
  scheduled_bus v(clock);
  clock.advance(7s);
  CHECK(v.b.set_schedule("beat", every(10s)));
  clock.advance(2s);
  CHECK(v.ids.empty());
  clock.advance(21s);
  CHECK(v.ids == std::vector<std::string>{"beat@" + std::to_string(start_s + 10),
                                          "beat@" + std::to_string(start_s + 20),
                                          "beat@" + std::to_string(start_s + 30)});
}

TEST_CASE("a schedule carries its event", "[schedules]") {
  testing::manual_clock clock;
  scheduled_bus v(clock);
  std::string seen;
  const auto s = v.b.subscribe("tick", [&](const delivery& d) {
    seen = std::string(d.text()) + "|" + std::string(d.key()) + "|" + std::string(d.content_type());
  });
  schedule what = every(1s);
  what.data = "x";
  what.key = "k";
  what.content_type = "text/plain";
  v.b.set_schedule("beat", what);
  clock.advance(1s);
  CHECK(seen == "x|k|text/plain");
}

TEST_CASE("a schedule can be changed and removed while it runs", "[schedules]") {
  testing::manual_clock clock;
  scheduled_bus v(clock);
  v.b.set_schedule("beat", every(10s));
  CHECK_FALSE(v.b.set_schedule("beat", every(60s)));
  clock.advance(59s);
  CHECK(v.ids.empty());
  clock.advance(1s);
  CHECK(v.ids.size() == 1);
  CHECK(v.b.schedules().size() == 1);
  CHECK(v.b.remove_schedule("beat"));
  CHECK_FALSE(v.b.remove_schedule("beat"));
  clock.advance(10min);
  CHECK(v.ids.size() == 1);
  CHECK(v.b.schedules().empty());
  CHECK(v.b.close().clean);
  CHECK(clock.pending_timers() == 0);
}

TEST_CASE("of several buses with one store, one publishes at each time; a new one takes over",
          "[schedules]") {
  testing::manual_clock clock;
  scheduled_bus one(clock, "schedules-shared"), other(clock, "schedules-shared");
  one.b.set_schedule("beat", every(10s));
  clock.run_until_idle();
  CHECK(other.b.schedules().size() == 1);
  clock.advance(100s);
  CHECK(one.ids.size() + other.ids.size() == 10);
  one.b.close();
  clock.advance(100s);
  CHECK(one.ids.size() + other.ids.size() == 20);
  scheduled_bus third(clock, "schedules-shared");
  clock.run_until_idle();
  CHECK(third.b.schedules().size() == 1);
  other.b.remove_schedule("beat");
  clock.run_until_idle();
  CHECK(third.b.schedules().empty());
}

TEST_CASE("schedules can be asked about by name of a method", "[schedules]") {
  testing::manual_clock clock;
  scheduled_bus v(clock);
  CHECK(v.b.call("schedules.set", R"({"name":"beat","topic":"tick","cron":"*/5 * * * *","data":"x"})") ==
        R"({"created":true})");
  CHECK(v.b.call("schedules.list") == R"([{"name":"beat","topic":"tick","data":"x","cron":"*/5 * * * *"}])");
  CHECK(v.b.call("schedules.set", R"({"name":"beat","topic":"tick","every":"1m"})") ==
        R"({"created":false})");
  clock.advance(60s);
  CHECK(v.ids.size() == 1);
  CHECK(v.b.call("schedules.remove", R"({"name":"beat"})") == R"({"removed":true})");
}

TEST_CASE("what is no schedule is refused with words", "[schedules]") {
  testing::manual_clock clock;
  scheduled_bus v(clock);
  const auto code = [&](schedule what) { return refusal([&] { v.b.set_schedule("s", what); }).code(); };
  CHECK(code(every(0s)) == error::bad_argument);
  CHECK(code(every(-1s)) == error::bad_argument);
  schedule both = every(1s);
  both.cron = "* * * * *";
  CHECK(code(both) == error::bad_argument);
  schedule reserved = every(1s);
  reserved.topic = "postbus:dead";
  CHECK(code(reserved) == error::bad_argument);
  bus none(config_for("memory").clock(clock));
  CHECK(refusal([&] { none.set_schedule("s", every(1s)); }).code() == error::unsupported);
  CHECK(none.schedules().empty());
}

TEST_CASE("cron expressions mean what crontab(5) says, in UTC", "[schedules]") {
  constexpr std::int64_t minute = 60, hour = 3'600, day = 86'400;
  CHECK(times_of("* * * * *", 2) == std::vector<std::int64_t>{minute, 2 * minute});
  CHECK(times_of("*/20 * * * *", 3) == std::vector<std::int64_t>{20 * minute, 40 * minute, hour});
  CHECK(times_of("5,10-12 3 * * *", 4) ==
        std::vector<std::int64_t>{3 * hour + 5 * minute, 3 * hour + 10 * minute, 3 * hour + 11 * minute,
                                  3 * hour + 12 * minute});
  CHECK(times_of("0 0 1 * *", 2) == std::vector<std::int64_t>{31 * day, 59 * day});    // February, March
  CHECK(times_of("0 12 * * 0", 1) == std::vector<std::int64_t>{3 * day + 12 * hour});  // Sunday
  CHECK(times_of("0 12 * * 7", 1) == std::vector<std::int64_t>{3 * day + 12 * hour});
  CHECK(times_of("0 0 15 * 5", 2) == std::vector<std::int64_t>{1 * day, 8 * day});  // the 15th, or a Friday
  CHECK(times_of("0 0 29 2 *", 1) == std::vector<std::int64_t>{789 * day});         // 2028
  CHECK(detail::cron("0 0 30 2 *").next(start_s) == 0);
  for (const char* wrong :
       {"", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8",
        "5-1 * * * *", "*/0 * * * *", "x * * * *", "1, * * * *"})
    CHECK(refusal([&] { detail::cron c(wrong); }).code() == error::bad_argument);
}
