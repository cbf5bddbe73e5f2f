// The test kit of programs with a bus: docs/testing.md shows these.
#include "support/bus.hpp"
#include "support/catch.hpp"

#include <postbus/testing/manual_clock.hpp>
#include <postbus/testing/matchers.hpp>

#include <set>

using namespace std::chrono_literals;
using postbus::testing::delivered;
using postbus::testing::manual_clock;
using postbus::testing::published;
using postbus::testing::recorder;
using postbus::testing::settled;

TEST_CASE("a recorder tells what was published, delivered and settled", "[testing]") {
  manual_clock clock;
  postbus::bus bus(postbus::tests::config_for("memory").clock(clock));
  recorder r(bus, "jobs:**");
  const auto s = bus.subscribe("jobs:*", r.watch([](const postbus::delivery& d) {
    if (d.attempt() == 1) throw postbus::retry{1s};
    if (d.text() == "salt") throw postbus::reject{"not in tea"};
  }));
  bus.publish("jobs:tea", "sugar");
  bus.publish("jobs:tea", "salt");
  clock.run_until_idle();
  CHECK_THAT(r, published("jobs:*", 2) && delivered("jobs:tea", 2));
  CHECK_THAT(r, settled("jobs:tea", recorder::retried, 2));

  clock.advance(1s);
  CHECK_THAT(r, settled("jobs:tea", recorder::returned, 1) && settled("jobs:tea", recorder::rejected));
  CHECK_THAT(r, !published("jobs:coffee"));
  CHECK(published("a").describe() == "published 'a' at least once");
  CHECK(settled("a", recorder::failed, 2).describe() == "settled 'a' as failed 2 times");
  CHECK(r.text().find("delivered jobs:tea, attempt 2: rejected") != std::string::npos);
}

TEST_CASE("an exception that is nobody's word is recorded as a failure, and retried", "[testing]") {
  manual_clock clock;
  postbus::bus bus(postbus::tests::config_for("memory").clock(clock));
  recorder r(bus, "a");
  CHECK(r.text() == "nothing");
  const auto s = bus.subscribe("a", r.watch([](const postbus::delivery&) { throw 7; }));
  bus.publish("a", "x");
  clock.advance(5min);
  CHECK_THAT(r, settled("a", recorder::failed, 5) && delivered("a", 5) && published("a", 1));
}

TEST_CASE("seeds explore what order two subscriptions may run in", "[testing]") {
  std::set<std::string> orders;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    manual_clock clock(seed);
    clock.explore();
    postbus::bus bus(postbus::tests::config_for("memory").clock(clock));
    std::string order;
    const auto a = bus.subscribe("jobs:*", [&](const postbus::delivery&) { order += 'a'; });
    const auto b = bus.subscribe("jobs:*", [&](const postbus::delivery&) { order += 'b'; });
    bus.publish("jobs:tea", "x");
    clock.run_until_idle();
    INFO("seed " << seed);
    CHECK(order.size() == 2);
    orders.insert(order);
  }
  CHECK(orders == std::set<std::string>{"ab", "ba"});
}
