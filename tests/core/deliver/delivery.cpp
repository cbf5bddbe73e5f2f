// What becomes of deliveries: ack, retry, reject, defer; on the virtual clock.
#include "support/bus.hpp"
#include "support/catch.hpp"

#include <postbus/testing/manual_clock.hpp>

using namespace postbus;
using namespace postbus::tests;

namespace {

struct virtual_bus {
  testing::manual_clock clock;
  bus b{config_for("memory").clock(clock)};
};

}  // namespace

TEST_CASE("under a manual clock nothing runs until it is told to", "[delivery]") {
  virtual_bus v;
  int calls = 0;
  const auto s = v.b.subscribe("a", [&](const delivery&) { ++calls; });
  v.b.publish("a", "x");
  CHECK(calls == 0);
  v.clock.run_until_idle();
  CHECK(calls == 1);
}

TEST_CASE("a handler that returns acks", "[delivery]") {
  virtual_bus v;
  const auto s = v.b.subscribe("a", [](const delivery&) {});
  v.b.publish("a", "x");
  v.clock.run_until_idle();
  const delivery_counts c = s.counts();
  CHECK(c.taken_on == 1);
  CHECK(c.started == 1);
  CHECK(c.acked == 1);
}

TEST_CASE("a handler that throws is called again after a backoff, with the attempt counted", "[delivery]") {
  virtual_bus v;
  std::vector<std::pair<unsigned, std::int64_t>> attempts;
  subscribe_options options;
  options.backoff = {100ms, 2, 10s};
  const auto s = v.b.subscribe(
      "a",
      [&](const delivery& d) {
        attempts.emplace_back(d.attempt(), v.clock.now_ns());
        if (d.attempt() < 4) throw std::runtime_error("not yet");
      },
      options);
  v.b.publish("a", "x");
  v.clock.advance(1s);
  REQUIRE(attempts.size() == 4);
  std::int64_t before = 0, most = 100'000'000;
  for (unsigned i = 1; i < 4; ++i) {
    CHECK(attempts[i].first == i + 1);
    CHECK(attempts[i].second - before <= most);  // full jitter: anything up to the delay
    before = attempts[i].second;
    most *= 2;
  }
  CHECK(s.counts().retried == 3);
  CHECK(s.counts().acked == 1);
}

TEST_CASE("the jitter of the backoff spreads retries over the whole delay", "[delivery]") {
  virtual_bus v;
  std::vector<std::int64_t> at;
  subscribe_options options;
  options.backoff = {1000ms, 2, 10s};
  const auto s = v.b.subscribe(
      "a",
      [&](const delivery& d) {
        if (d.attempt() == 1) throw std::runtime_error("once");
        at.push_back(v.clock.now_ns());
      },
      options);
  for (int n = 0; n < 64; ++n) v.b.publish("a", "x");
  v.clock.advance(2s);
  REQUIRE(at.size() == 64);
  CHECK(std::count_if(at.begin(), at.end(), [](auto t) { return t < 500'000'000; }) > 16);
  CHECK(std::count_if(at.begin(), at.end(), [](auto t) { return t > 500'000'000; }) > 16);
  CHECK(*std::max_element(at.begin(), at.end()) <= 1'000'000'000);
}

TEST_CASE("retry{after} waits as long as it says", "[delivery]") {
  virtual_bus v;
  std::vector<std::int64_t> at;
  const auto s = v.b.subscribe("a", [&](const delivery& d) {
    at.push_back(v.clock.now_ns());
    if (d.attempt() == 1) throw retry{250ms};
  });
  v.b.publish("a", "x");
  v.clock.advance(249ms);
  CHECK(at.size() == 1);
  v.clock.advance(1ms);
  REQUIRE(at.size() == 2);
  CHECK(at[1] == 250'000'000);
}

TEST_CASE("after max_deliveries an event is given up", "[delivery]") {
  virtual_bus v;
  int calls = 0;
  subscribe_options options;
  options.max_deliveries = 3;
  const auto s = v.b.subscribe(
      "a",
      [&](const delivery&) {
        ++calls;
        throw 7;
      },
      options);
  v.b.publish("a", "x");
  v.clock.advance(1min);
  CHECK(calls == 3);
  CHECK(s.counts().dead == 1);
  CHECK(s.counts().acked == 0);
  CHECK(v.clock.pending_timers() == 0);
}

TEST_CASE("a rejected event is never delivered again", "[delivery]") {
  virtual_bus v;
  int calls = 0;
  const auto s = v.b.subscribe("a", [&](const delivery&) {
    ++calls;
    throw reject{"no such user"};
  });
  v.b.publish("a", "x");
  v.clock.advance(1min);
  CHECK(calls == 1);
  CHECK(s.counts().dead == 1);
}

TEST_CASE("later events go on while one waits for its retry", "[delivery]") {
  virtual_bus v;
  std::string order;
  subscribe_options options;
  options.prefetch = 1;
  const auto s = v.b.subscribe(
      "a",
      [&](const delivery& d) {
        order += d.text();
        if (d.text() == "1" && d.attempt() == 1) throw retry{1s};
      },
      options);
  for (const char* text : {"1", "2", "3"}) v.b.publish("a", text);
  v.clock.advance(1s);
  CHECK(order == "1231");
}

TEST_CASE("a deferred delivery is settled when its settlement says so", "[delivery]") {
  virtual_bus v;
  settlement kept;
  std::string seen;
  const auto s = v.b.subscribe("a", [&](const delivery& d) {
    seen = d.text();
    kept = d.defer();
  });
  v.b.publish("a", "x");
  v.clock.run_until_idle();
  CHECK(seen == "x");
  CHECK(s.counts().acked == 0);
  CHECK(kept.event().text() == "x");
  kept.ack();
  CHECK(s.counts().acked == 1);
  error_code ec;
  kept.ack(ec);
  CHECK(ec == error::already_settled);
  CHECK_THROWS_AS(kept.reject("too late"), error);
  CHECK(s.counts().acked == 1);
  CHECK(s.counts().dead == 0);
}

TEST_CASE("a settlement that is dropped is a retry", "[delivery]") {
  virtual_bus v;
  int calls = 0;
  const auto s = v.b.subscribe("a", [&](const delivery& d) {
    if (++calls == 1) (void)d.defer();
  });
  v.b.publish("a", "x");
  v.clock.advance(1s);
  CHECK(calls == 2);
  CHECK(s.counts().retried == 1);
  CHECK(s.counts().acked == 1);
}

TEST_CASE("a second defer of one delivery is refused", "[delivery]") {
  virtual_bus v;
  error_code code;
  settlement first;
  const auto s = v.b.subscribe("a", [&](const delivery& d) {
    first = d.defer();
    try {
      const settlement second = d.defer();
    } catch (const error& e) {
      code = e.code();
    }
  });
  v.b.publish("a", "x");
  v.clock.run_until_idle();
  CHECK(code == error::already_settled);
  first.ack();
}

TEST_CASE("an event kept from a delivery outlives it, and the bus", "[delivery]") {
  event kept;
  {
    virtual_bus v;
    const auto s = v.b.subscribe("a", [&](const delivery& d) { kept = d.event(); });
    const header headers[] = {{"colour", "blue"}};
    publish_options options;
    options.headers = headers;
    options.id = "7";
    v.b.publish("a", "x", options);
    v.clock.run_until_idle();
  }
  REQUIRE(kept);
  CHECK(kept.topic() == "a");
  CHECK(kept.text() == "x");
  CHECK(kept.id() == "7");
  CHECK(kept.source() == "postbus");
  CHECK(kept.header("colour") == std::optional<std::string_view>("blue"));
}

TEST_CASE("what is published through a delivery says what caused it", "[delivery]") {
  virtual_bus v;
  std::map<std::string, std::string> headers;
  const auto first = v.b.subscribe("a", [&](const delivery& d) { d.publish("b", "y"); });
  const auto second = v.b.subscribe("b", [&](const delivery& d) {
    for (const header& h : d.headers()) headers.emplace(h.name, h.value);
  });
  const header trace[] = {{"traceparent", "00-1-2-01"}, {"correlationid", "whole-story"}};
  publish_options options;
  options.id = "first";
  options.headers = trace;
  v.b.publish("a", "x", options);
  v.clock.run_until_idle();
  CHECK(headers == std::map<std::string, std::string>{{"causationid", "first"},
                                                      {"correlationid", "whole-story"},
                                                      {"traceparent", "00-1-2-01"}});
}

TEST_CASE("a running handler is listed with its captures and can be asked to stop", "[delivery]") {
  virtual_bus v;
  std::vector<running_delivery> listed;
  bool asked_before = true, asked_after = false, callback = false;
  std::size_t asked = 0, asked_wrong = 9;
  const auto s = v.b.subscribe("jobs:{user}:*", [&](const delivery& d) {
    listed = v.b.in_flight();
    asked_before = d.stop_requested();
    std::stop_callback on_stop(d.stop_token(), [&] { callback = true; });
    asked_wrong = v.b.request_stop({{"user", "43"}});
    asked = v.b.request_stop({{"user", "42"}});
    asked_after = d.stop_requested() && d.stop_token().stop_requested();
  });
  v.b.publish("jobs:42:build", "x");
  v.clock.run_until_idle();
  REQUIRE(listed.size() == 1);
  CHECK(listed[0].topic == "jobs:42:build");
  CHECK(listed[0].pattern == "jobs:{user}:*");
  CHECK(listed[0].params == std::vector<std::pair<std::string, std::string>>{{"user", "42"}});
  CHECK(listed[0].attempt == 1);
  CHECK_FALSE(asked_before);
  CHECK(asked_wrong == 0);
  CHECK(asked == 1);
  CHECK(asked_after);
  CHECK(callback);
  CHECK(v.b.in_flight().empty());
}

TEST_CASE("an attempt that was asked to stop leaves the next one alone", "[delivery]") {
  testing::manual_clock clock;
  bus b(config_for("memory").clock(clock).set("transport.dispatch", GENERATE("queued", "inline")));
  std::vector<bool> asked;
  const auto s = b.subscribe("job:{user}", [&](const delivery& d) {
    asked.push_back(d.stop_requested());
    if (d.attempt() > 2) return;
    CHECK(b.request_stop({{"user", "42"}}) == 1);
    CHECK(d.stop_token().stop_requested());
    throw retry{0s};
  });
  b.publish("job:42", "");
  clock.run_until_idle();
  CHECK(asked == std::vector<bool>(3, false));
}

TEST_CASE("a settlement that was taken along is in flight until its answer, and is asked to stop",
          "[delivery]") {
  const bool dispatches_inline = GENERATE(false, true);
  testing::manual_clock clock;
  bus b(config_for("memory").set("transport.dispatch", dispatches_inline ? "inline" : "queued").clock(clock));
  settlement kept;
  std::vector<running_delivery> inside;
  const auto s = b.subscribe("jobs:{user}", [&](const delivery& d) {
    kept = d.defer();
    inside = b.in_flight();
  });
  b.publish("jobs:42", "x");
  clock.run_until_idle();
  CHECK(inside.size() == 1);  // once, though it runs and is taken along
  REQUIRE(b.in_flight().size() == 1);
  CHECK(b.in_flight()[0].topic == "jobs:42");
  CHECK(b.in_flight()[0].attempt == 1);
  bool called = false;
  const std::stop_callback callback(kept.stop_token(), [&] { called = true; });
  CHECK(b.request_stop({{"user", "43"}}) == 0);
  CHECK_FALSE(kept.stop_requested());
  CHECK(b.request_stop({{"user", "42"}}) == 1);
  CHECK(kept.stop_requested());
  CHECK(called);
  CHECK(b.in_flight()[0].stop_requested);
  kept.ack();
  CHECK(b.in_flight().empty());
}

TEST_CASE("a handler that goes on after defer() hears that its settlement is asked to stop", "[delivery]") {
  const bool dispatches_inline = GENERATE(false, true);
  testing::manual_clock clock;
  bus b(config_for("memory").set("transport.dispatch", dispatches_inline ? "inline" : "queued").clock(clock));
  settlement kept;
  bool before = true, after = false;
  const auto s = b.subscribe("a", [&](const delivery& d) {
    kept = d.defer();
    before = d.stop_requested();
    CHECK(b.request_stop({}) == 1);
    after = d.stop_requested() && d.stop_token().stop_requested();
  });
  b.publish("a", "x");
  clock.run_until_idle();
  CHECK_FALSE(before);
  CHECK(after);
  CHECK(kept.stop_requested());
  kept.ack();
}
