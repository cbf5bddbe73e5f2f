// handler_timeout, and the ttl of events.
#include "refusal.hpp"
#include "support/bus.hpp"
#include "support/catch.hpp"

#include <postbus/testing/manual_clock.hpp>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

using namespace postbus;
using namespace postbus::tests;

namespace {

struct virtual_bus {
  testing::manual_clock clock;
  bus b{config_for("memory").clock(clock)};
};

subscribe_options limited(std::string group = "") {
  subscribe_options o;
  o.group = std::move(group);
  o.handler_timeout = 1s;
  o.backoff = {0s, 1, 0s};
  return o;
}

}  // namespace

TEST_CASE("a deferred delivery that is not settled in time is retried, asked to stop, and its answer is lost",
          "[time_limit]") {
  virtual_bus v;
  std::vector<settlement> kept;
  const auto s = v.b.subscribe(
      "a", [&](const delivery& d) { kept.push_back(d.defer()); }, limited(GENERATE("", "workers")));
  v.b.publish("a", "x");
  v.clock.advance(999ms);
  REQUIRE(kept.size() == 1);
  CHECK_FALSE(kept[0].stop_requested());
  v.clock.advance(1ms);
  REQUIRE(kept.size() == 2);
  CHECK(kept[0].stop_requested());
  CHECK_FALSE(kept[1].stop_requested());
  error_code ec;
  kept[0].ack(ec);
  CHECK(ec == error::lease_lost);
  CHECK_THROWS_AS(kept[0].ack(), error);
  CHECK(s.counts().acked == 0);
  kept[1].ack();
  CHECK(s.counts().acked == 1);
  CHECK(s.counts().retried == 1);
  kept.clear();
  v.clock.advance(10s);
  CHECK(s.counts().acked == 1);
  CHECK(sum(s.counts()) == s.counts().taken_on);
  CHECK(v.clock.pending_timers() == 0);
}

TEST_CASE("an answer in time ends the limit", "[time_limit]") {
  virtual_bus v;
  settlement kept;
  int calls = 0;
  const auto s = v.b.subscribe(
      "a",
      [&](const delivery& d) {
        if (++calls == 1) kept = d.defer();
      },
      limited());
  v.b.publish("a", "x");
  v.clock.advance(500ms);
  const bool by_ack = GENERATE(true, false);
  if (by_ack) kept.ack();
  else kept.retry(0s);
  v.clock.advance(10s);
  CHECK(calls == (by_ack ? 1 : 2));
  CHECK(s.counts().acked == 1);
  CHECK(v.clock.pending_timers() == 0);
}

TEST_CASE("a handler that fails in time has its whole limit again, and its next answer counts",
          "[time_limit]") {
  virtual_bus v;
  settlement kept;
  const bool defers = GENERATE(true, false);
  const auto s = v.b.subscribe(
      "a",
      [&](const delivery& d) {
        if (d.attempt() == 1) throw std::runtime_error("not yet");
        if (defers) kept = d.defer();
      },
      limited(GENERATE("", "workers")));
  v.b.publish("a", "x");
  v.clock.run_until_idle();
  v.clock.advance(999ms);
  if (defers) kept.ack();
  CHECK(s.counts().acked == 1);
  v.clock.advance(10s);
  CHECK(s.counts().started == 2);
  CHECK(v.b.wait_until_idle());
}

TEST_CASE("an event that takes too long each time is given up after max_deliveries", "[time_limit]") {
  virtual_bus v;
  std::vector<settlement> kept;
  subscribe_options o = limited(GENERATE("", "workers"));
  o.max_deliveries = 3;
  const auto s = v.b.subscribe(
      "a", [&](const delivery& d) { kept.push_back(d.defer()); }, o);
  v.b.publish("a", "x");
  v.clock.advance(10s);
  CHECK(kept.size() == 3);
  CHECK(s.counts().dead == 1);
}

TEST_CASE("a plain handler that takes too long: another member gets the event meanwhile", "[time_limit]") {
  bus b(config_for("memory").threads(2));
  std::atomic<bool> other_done{false}, was_asked{false};
  std::atomic<int> started{0};
  subscribe_options o = limited("workers");
  o.handler_timeout = 20ms;
  const auto handle = [&](const delivery& d) {
    if (++started == 1) {
      CHECK(eventually([&] { return other_done.load(); }));
      was_asked = d.stop_requested();
    } else {
      CHECK(d.attempt() == 2);
      other_done = true;
    }
  };
  const auto s = b.subscribe("a", handle, o), t = b.subscribe("a", handle, o);
  b.publish("a", "x");
  REQUIRE(b.wait_until_idle(deadline));
  REQUIRE(eventually([&] { return was_asked.load(); }));
  CHECK(started == 2);
  CHECK(s.counts().acked + t.counts().acked == 1);
  const close_report report = b.close();
  CHECK(report.clean);
  CHECK(report.total().taken_on == sum(report.total()));
}

TEST_CASE("a coroutine that takes too long is overtaken by its retry", "[time_limit]") {
  bus b(config_for("memory").threads(2));
  std::atomic<int> started{0};
  std::atomic<bool> late{false};
  subscribe_options o = limited();
  o.handler_timeout = 20ms;
  o.concurrency = 2;
  const auto s = b.subscribe(
      "a",
      [&](delivery d) -> boost::asio::awaitable<void> {
        if (++started > 1) co_return;
        boost::asio::steady_timer pause(co_await boost::asio::this_coro::executor);
        while (!d.stop_requested()) {
          pause.expires_after(1ms);
          co_await pause.async_wait(boost::asio::use_awaitable);
        }
        late = true;
      },
      o);
  b.publish("a", "x");
  REQUIRE(eventually([&] { return late.load() && started == 2; }));
  REQUIRE(b.wait_until_idle(deadline));
  CHECK(s.counts().acked == 1);
  CHECK(b.close().clean);
}

TEST_CASE("a key whose handler is overdue goes on only when its retry is done", "[time_limit]") {
  virtual_bus v;
  std::string order;
  std::vector<settlement> kept;
  subscribe_options o = limited(GENERATE("", "workers"));
  o.ordered_by = "partitionkey";
  const auto s = v.b.subscribe(
      "a",
      [&](const delivery& d) {
        order += d.text();
        if (d.text() == "1" && d.attempt() == 1) kept.push_back(d.defer());
      },
      o);
  publish_options p;
  p.key = "k";
  v.b.publish("a", "1", p);
  v.b.publish("a", "2", p);
  v.clock.advance(999ms);
  CHECK(order == "1");
  v.clock.advance(1ms);
  CHECK(order == "112");
}

TEST_CASE("with inline dispatch a time limit and an order by key are refused", "[time_limit]") {
  testing::manual_clock clock;
  bus b(config_for("memory").set("transport.dispatch", "inline").clock(clock));
  subscribe_options o;
  if (GENERATE(true, false)) o.handler_timeout = 1s;
  else o.ordered_by = "id";
  CHECK(refusal([&] {
          (void)b.subscribe(
              "a", [](const delivery&) {}, o);
        }).code() == error::unsupported);
}

// ---- ttl

TEST_CASE("an event that is expired before a handler could start is not delivered, and counted", "[ttl]") {
  const bool dispatches_inline = GENERATE(false, true);
  testing::manual_clock clock;
  bus b(config_for("memory").set("transport.dispatch", dispatches_inline ? "inline" : "queued").clock(clock));
  std::string seen;
  subscribe_options o;
  o.group = "g";
  {
    const auto gone = b.subscribe(
        "a", [](const delivery&) {}, o);
  }
  publish_options p;
  p.ttl = 1s;
  b.publish("a", "short", p);
  p.ttl = 1h;
  b.publish("a", "long", p);
  clock.advance(1s);
  const auto s = b.subscribe(
      "a", [&](const delivery& d) { seen += d.text(); }, o);
  clock.run_until_idle();
  CHECK(seen == "long");
  CHECK(s.counts().expired == 1);
  CHECK(s.counts().acked == 1);
  CHECK(sum(s.counts()) == s.counts().taken_on);
}

TEST_CASE("an event that expires while it waits for its retry is not delivered again", "[ttl]") {
  virtual_bus v;
  int calls = 0;
  const auto s = v.b.subscribe("a", [&](const delivery&) {
    ++calls;
    throw retry{2s};
  });
  publish_options p;
  p.ttl = 1s;
  v.b.publish("a", "x", p);
  v.clock.advance(10s);
  CHECK(calls == 1);
  CHECK(s.counts().expired == 1);
}

TEST_CASE("a ttl of nothing is refused", "[ttl]") {
  virtual_bus v;
  error_code ec;
  publish_options p;
  p.ttl = GENERATE(as<std::chrono::nanoseconds>(), 0ns, -1s);
  v.b.publish("a", "x", p, ec);
  CHECK(ec == error::bad_argument);
}

TEST_CASE("a ttl is an attribute, and so refused on a raw transport", "[ttl]") {
  testing::manual_clock clock;
  bus b(config_for("memory").set("transport.codec", "raw").clock(clock));
  error_code ec;
  publish_options p;
  p.ttl = 1s;
  b.publish("a", "x", p, ec);
  CHECK(ec == error::unsupported);
}
