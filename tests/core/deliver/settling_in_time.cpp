// Settlements wait for others to go with, but not for a handler that takes long.
#include "support/bus.hpp"
#include "support/catch.hpp"

using namespace postbus;
using namespace postbus::tests;

TEST_CASE("what is settled reaches the transport while the next handler still runs", "[settling_in_time]") {
  bus b(config_for("memory").set("transport.queue_max", "1"));
  subscribe_options o;
  o.group = "g";
  o.prefetch = 2;
  std::atomic<char> runs{'0'}, released{'0'};
  const auto s = b.subscribe(
      "a",
      [&](const delivery& d) {
        runs = d.text()[0];
        while (d.text() != "2" && d.text()[0] > released) std::this_thread::yield();
      },
      o);
  const auto publish = [&](const char* text) {
    error_code ec;
    publish_options patient;
    patient.deadline = deadline;
    b.publish("a", text, patient, ec);
    return !ec;
  };
  // 2 and 3 are taken together, behind 1; then 3 holds the worker, and the answer for 2 and its credit are ready to go.
  REQUIRE(publish("1"));
  REQUIRE(eventually([&] { return runs == '1'; }));
  REQUIRE(publish("2"));
  REQUIRE(publish("3"));
  released = '1';
  REQUIRE(eventually([&] { return runs == '3'; }));
  REQUIRE(publish("4"));
  CHECK(publish("5"));  // for which there is room once the credit of 2 has arrived, and 4 has left the queue
  CHECK(runs == '3');
  released = '9';
  REQUIRE(b.wait_until_idle());
  CHECK(s.counts().acked == 5);
}
