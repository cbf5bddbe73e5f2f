// Settlements wait for others to go with, but not for a handler that takes long.
#include "support/bus.hpp"
#include "support/catch.hpp"

using namespace postbus;
using namespace postbus::tests;

TEST_CASE("what is settled reaches the transport while the next handler still runs", "[settling_in_time]") {
  // A queue of two: the third event only finds room when the first one's ack arrived.
  bus b(config_for("memory").set("transport.queue_max", "2"));
  std::atomic<bool> go{false}, second_runs{false};
  subscribe_options o;
  o.group = "g";
  o.prefetch = 2;
  std::atomic<int> started{0};
  const auto s = b.subscribe(
      "a",
      [&](const delivery&) {
        if (++started == 2)
          for (second_runs = true; !go;) std::this_thread::yield();
        else if (started == 1) std::this_thread::yield();
      },
      o);
  b.publish("a", "1");
  b.publish("a", "2");
  REQUIRE(eventually([&] { return second_runs.load(); }));
  publish_options patient;
  patient.deadline = 20s;
  error_code ec;
  b.publish("a", "3", patient, ec);
  CHECK_FALSE(ec);
  CHECK(started == 2);
  go = true;
  REQUIRE(b.wait_until_idle());
  CHECK(s.counts().acked == 3);
}
