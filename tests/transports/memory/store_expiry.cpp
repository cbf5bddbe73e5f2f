// Time to live, on the manual clock.
#include "store_host.hpp"

using namespace postbus::tests;

TEST_CASE("a key is there until the moment its ttl is over", "[store]") {
  store_host s;
  DO(set("k", "v").ttl(10s));
  s.clock().advance(10s - 1ns);
  CHECK(DO(get("k")) == ok(0, {"v"}));
  s.clock().advance(1ns);
  CHECK(DO(get("k")) == ok());
  CHECK(DO(set("k", "w").if_absent()) == ok());
}

TEST_CASE("a ttl that is set again begins anew", "[store]") {
  store_host s;
  DO(push("k", "a").ttl(10s));
  s.clock().advance(9s);
  DO(push("k", "b").ttl(10s));
  s.clock().advance(9s);
  DO(push("k", "c"));
  CHECK(DO(length("k")) == ok(3));
  s.clock().advance(1s);
  CHECK(DO(length("k")) == ok(0));
}

TEST_CASE("a value that was taken away and came again has no ttl of the old one", "[store]") {
  store_host s;
  DO(push("k", "a").ttl(10s));
  DO(take("k"));
  DO(push("k", "b"));
  s.clock().advance(1h);
  CHECK(DO(length("k")) == ok(1));
}

TEST_CASE("a ttl without end never ends", "[store]") {
  store_host s;
  s.clock().advance(1h);
  DO(set("k", "v").ttl(std::chrono::nanoseconds(INT64_MAX)));
  s.clock().advance(24h);
  CHECK(DO(check("k")) == ok(1));
}

TEST_CASE("what has expired is not scanned, counted or reported, and its room is given back bit by bit",
          "[store]") {
  store_host s;
  for (int i = 0; i < 200; ++i) DO(set("k" + std::to_string(i), "v").ttl(1s));
  DO(set("stays", "v"));
  CHECK(s.metric_value("keys") == 201);
  s.clock().advance(1s);
  CHECK(DO(scan("", "", 0)) == ok(1, {"", "stays"}));
  s.clock().advance(1s);
  DO(check("stays"));
  CHECK(s.metric_value("keys") == 201 - 64);
  DO(check("stays"));
  CHECK(s.metric_value("keys") == 201 - 128);
  CHECK(s.call("health").text() == R"({"keys":1,"bytes":6,"watches":0})");
  CHECK(s.metric_value("keys") == 1);
  CHECK(s.pending_timers() == 0);
  DO(set("k", "v").ttl(100ms));
  s.clock().advance(100ms);  // within the same second
  CHECK(s.call("health").text() == R"({"keys":1,"bytes":6,"watches":0})");
}
