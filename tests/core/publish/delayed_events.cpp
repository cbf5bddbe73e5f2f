// Events that are published when they are due.
#include "refusal.hpp"
#include "support/bus.hpp"
#include "support/catch.hpp"

#include <postbus/testing/manual_clock.hpp>

#include <boost/asio/use_future.hpp>

using namespace postbus;
using namespace postbus::tests;

namespace {

struct virtual_bus {
  testing::manual_clock clock;
  bus b;
  std::string seen;
  subscription s;

  explicit virtual_bus(config c = config_for("memory"))
      : b(c.clock(clock)), s(b.subscribe("a", [this](const delivery& d) { seen += d.text(); })) {}

  receipt publish(std::string_view text, std::chrono::nanoseconds delay, std::string_view id = "") {
    publish_options o;
    o.delay = delay;
    o.id = id;
    return b.publish("a", text, o);
  }
};

double metric_of(bus& b, std::string_view name) {
  for (const metric& m : b.metrics())
    if (m.name == name) return m.value;
  return -1;
}

}  // namespace

TEST_CASE("a delayed event comes when it is due, not before, with the id of its receipt", "[delayed]") {
  virtual_bus v;
  std::string id;
  const auto t = v.b.subscribe("a", [&](const delivery& d) { id = d.id(); });
  const receipt r = v.publish("x", 1s);
  CHECK(metric_of(v.b, "postbus_events_delayed") == 1);
  CHECK(metric_of(v.b, "postbus_published_total") == 0);
  v.clock.advance(999'999'999ns);
  CHECK(v.seen.empty());
  v.clock.advance(1ns);
  CHECK(v.seen == "x");
  CHECK(id == r.id());
  CHECK(metric_of(v.b, "postbus_events_delayed") == 0);
  CHECK(metric_of(v.b, "postbus_published_total") == 1);
}

TEST_CASE("delayed events come in the order in which they are due", "[delayed]") {
  virtual_bus v;
  v.publish("3", 3s);
  v.publish("1", 1s);
  v.publish("2", 2s);
  v.publish("0", 0s);
  v.clock.advance(5s);
  CHECK(v.seen == "0123");
}

TEST_CASE("a delayed publish on what is no topic is refused, in every way to publish", "[delayed]") {
  virtual_bus v;
  publish_options o;
  o.delay = 1s;
  error_code ec;
  v.b.publish("a:*", "x", o, ec);
  CHECK(ec == error::bad_argument);
  ec = {};
  v.b.async_publish("a:*", "x", o, [&](error_code e, const receipt&) { ec = e; });
  v.clock.run_until_idle();
  CHECK(ec == error::bad_argument);
  const message batch[] = {{"a:*", "x", o}};
  CHECK(v.b.publish(batch)[0].ec == error::bad_argument);
  CHECK(metric_of(v.b, "postbus_events_delayed") == 0);
}

TEST_CASE("a handler's delayed publish needs no room, and waits behind nobody, before it is due",
          "[delayed]") {
  testing::manual_clock clock;
  bus b(config_for("memory").set("transport.queue_max", "1").clock(clock));
  error_code at_once, later = make_error_code(error::failed);
  std::string seen;
  subscribe_options one;
  one.prefetch = 1;
  const auto s = b.subscribe(
      "a",
      [&](const delivery& d) {
        seen += d.text();
        if (d.text() != "1") return;
        publish_options o;
        d.publish("a", "2", o, at_once);
        d.publish("a", "3", o, at_once);
        b.async_publish("a", "3", o, [](error_code, const receipt&) {});  // waits for room
        o.delay = 1s;
        d.publish("a", "4", o, later);
      },
      one);
  b.publish("a", "1");
  clock.run_until_idle();
  CHECK(at_once == error::would_block);
  CHECK_FALSE(later);
  clock.advance(1s);
  CHECK(seen == "1234");
}

TEST_CASE("every way to publish knows the delay", "[delayed]") {
  virtual_bus v;
  publish_options o;
  o.delay = 1s;
  const message batch[] = {{"a", "1", o}, {"a", "0", {}}, {"a", "2", o}};
  for (const publish_result& r : v.b.publish(batch)) CHECK_FALSE(r.ec);
  error_code ec = make_error_code(error::failed);
  v.b.async_publish("a", "3", o, [&](error_code e, const receipt&) { ec = e; });
  v.clock.run_until_idle();
  CHECK_FALSE(ec);
  CHECK(v.seen == "0");
  v.clock.advance(1s);
  CHECK(v.seen == "0123");
}

TEST_CASE("what is cancelled does not come", "[delayed]") {
  virtual_bus v;
  const receipt r = v.publish("x", 1s);
  v.publish("y", 1s, "mine");
  CHECK(v.b.cancel_delayed(r.id()) == 1);
  CHECK(v.b.cancel_delayed(r.id()) == 0);
  CHECK(v.b.cancel_delayed("somebody else's") == 0);
  v.clock.advance(2s);
  CHECK(v.seen == "y");
  CHECK(v.b.cancel_delayed("mine") == 0);
  CHECK(v.clock.pending_timers() == 0);
}

TEST_CASE("delayed_max and delayed_bytes_max bound them", "[delayed]") {
  virtual_bus v(config_for("memory").set("bus.delayed_max", "2").set("bus.delayed_bytes_max", "10"));
  error_code ec;
  publish_options o;
  o.delay = 1s;
  v.b.publish("a", std::string(11, 'x'), o, ec);
  CHECK(ec == error::full);
  v.publish("1", 1s);
  v.publish("2", 1s);
  v.b.publish("a", "3", o, ec);
  CHECK(ec == error::full);
  v.clock.advance(1s);
  CHECK(v.seen == "12");
  v.publish("4", 1s);
}

TEST_CASE("a ttl runs from the publish on, also of a delayed event", "[delayed]") {
  virtual_bus v;
  publish_options o;
  o.delay = 2s;
  o.ttl = 1s;
  v.b.publish("a", "x", o);
  v.clock.advance(3s);
  CHECK(v.seen.empty());
  CHECK(v.s.counts().expired == 1);
}

TEST_CASE("what is not due when the bus closes is reported", "[delayed]") {
  virtual_bus v;
  v.publish("x", 1h);
  v.publish("y", 2h);
  const close_report report = v.b.close();
  CHECK(report.delayed == 2);
  CHECK(report.clean);
  CHECK(v.clock.pending_timers() == 0);
}

TEST_CASE("features see a delayed event when it is published, once", "[delayed]") {
  int asked = 0;
  virtual_bus v(config_for("memory").intercept(
      "count", [&](interception& i) { ++asked, i.data().text() == "no" ? i.reject("no") : void(); },
      stages::publish));
  error_code ec;
  publish_options o;
  o.delay = 1s;
  v.b.publish("a", "no", o, ec);
  CHECK(ec == error::refused);
  v.publish("x", 1s);
  CHECK(asked == 2);
  v.clock.advance(1s);
  CHECK(v.seen == "x");
  CHECK(asked == 2);
}

TEST_CASE("on threads: many delayed events, each comes once", "[delayed]") {
  bus b(config_for(GENERATE("memory", "hub")));
  std::atomic<int> seen{0};
  const auto s = b.subscribe("a", [&](const delivery&) { ++seen; });
  publish_options o;
  for (int n = 0; n < 500; ++n) {
    o.delay = std::chrono::microseconds(n * 7 % 3'000);
    b.publish("a", "x", o);
  }
  CHECK(eventually([&] { return seen == 500; }));
  CHECK(b.close().delayed == 0);
}

TEST_CASE("on a thread: what is due at once comes in the order in which it was published", "[delayed]") {
  bus b(config_for("memory").threads(1));
  std::vector<int> seen, wanted;
  std::atomic<bool> all{false};
  const auto s = b.subscribe("a", [&](const delivery& d) {
    seen.push_back(std::stoi(std::string(d.text())));
    all = seen.size() == 500;
  });
  publish_options o;
  o.delay = 20ms;
  for (int n = 0; n < 500; ++n) {
    b.publish("a", std::to_string(n), o);
    wanted.push_back(n);
  }
  REQUIRE(eventually([&] { return all.load(); }));
  CHECK(seen == wanted);
}

TEST_CASE("what waits for room in a group without members is published when one comes", "[delayed]") {
  virtual_bus v(config_for("memory").set("transport.queue_max", "4"));
  subscribe_options o;
  o.group = "g";
  int calls = 0;
  const auto count = [&](const delivery&) { ++calls; };
  auto s = v.b.subscribe("a", count, o);
  s.unsubscribe();
  for (int n = 0; n < 4; ++n) v.publish("x", 0s);
  v.publish("late", 1s);
  v.clock.advance(1s);
  CHECK(v.seen == "xxxx");
  s = v.b.subscribe("a", count, o);
  v.clock.run_until_idle();
  CHECK(v.seen == "xxxxlate");
  CHECK(calls == 5);
}
