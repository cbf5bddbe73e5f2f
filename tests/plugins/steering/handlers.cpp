// An inbox inside handlers: plain ones and coroutines, on the virtual clock and on threads.
#include "steered.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

using namespace postbus;
using namespace postbus::tests;
using boost::asio::awaitable;
using boost::asio::use_awaitable;
using lines = std::vector<std::string>;

TEST_CASE("a plain handler takes between its steps, whenever the store answers", "[steering]") {
  testing::manual_clock clock;
  steered_bus t(clock, {{"store.answers", GENERATE("at-once", "later")}});
  lines got;
  const auto s = t.b.subscribe("work:{session_id}", [&](const delivery& d) {
    steering inbox(t.b, d.param("session_id"));
    for (int step = 0; step < 3; ++step) {
      for (const auto& m : inbox.take_all()) got.push_back(std::to_string(step) + m.text);
      if (step == 0) inbox.push("pushed from inside");
    }
    inbox.end();
  });
  steering(t.b, "s1").push("a");
  t.b.publish("work:s1", "");
  clock.run_until_idle();
  CHECK(got == lines{"0a", "1pushed from inside"});
  CHECK(s.counts().acked == 1);
  CHECK(steering(t.b, "s1").count().ended);
}

TEST_CASE("a handler that throws before it confirms has the same messages when it is tried again",
          "[steering]") {
  testing::manual_clock clock;
  steered_bus t(clock);
  lines got;
  const auto s = t.b.subscribe("work:{session_id}", [&](const delivery& d) {
    steering inbox(t.b, d.param("session_id"));
    for (const auto& m : inbox.take_all()) got.push_back(m.text + (m.again ? " again" : ""));
    if (d.attempt() == 1) throw retry{1s};
    inbox.confirm();
  });
  steering(t.b, "s1").push("a");
  t.b.publish("work:s1", "");
  clock.run_until_idle();
  steering(t.b, "s1").push("b");
  clock.advance(1s);
  CHECK(got == lines{"a", "a again", "b"});
}

TEST_CASE("an inbox whose answer was lost is given again what it did not see", "[steering]") {
  testing::manual_clock clock;
  steered_bus t(clock, {{"store.plugin", "memory-store"}, {"store.wrappers", "[\"faults-store\"]"}});
  steering inbox(t.b, "s1");
  inbox.push("a");
  inbox.take_all();
  inbox.push("b");
  t.b.call("faults-store.set", R"({"unknown": 1})");
  const bool waits = GENERATE(true, false);
  if (waits) {
    CHECK_THROWS_AS(inbox.take_all(), error);
  } else {
    error_code lost;
    inbox.async_take_all([&](error_code ec, const std::vector<steering::message>&) { lost = ec; });
    clock.run_until_idle();
    CHECK(lost == error::outcome_unknown);
  }
  t.b.call("faults-store.set", R"({"unknown": 0})");
  const auto got = inbox.take_all();  // the take was done: a is confirmed, b was handed out
  REQUIRE(texts_of(got) == lines{"b"});
  CHECK(got[0].again);
}

TEST_CASE("a coroutine takes without holding a thread", "[steering]") {
  testing::manual_clock clock;
  steered_bus t(clock, {{"store.answers", GENERATE("at-once", "later")}});
  lines got;
  const auto s = t.b.subscribe("work:{session_id}", [&](delivery d) -> awaitable<void> {
    steering inbox(t.b, d.param("session_id"));
    while (auto m = co_await inbox.async_take(use_awaitable)) got.push_back(m->text);
    co_await inbox.async_push("late by then", {.id = "x"}, use_awaitable);
    for (const auto& m : co_await inbox.async_take_all(use_awaitable)) got.push_back(m.text);
    co_await inbox.async_confirm(use_awaitable);
    co_await inbox.async_end(use_awaitable);
  });
  steering who(t.b, "s1");
  for (const char* text : {"a", "b"}) who.push(text);
  t.b.publish("work:s1", "");
  clock.run_until_idle();
  CHECK(got == lines{"a", "b", "late by then"});
  CHECK(who.status("x") == "seen");
  CHECK(who.count().ended);
}

TEST_CASE("what goes wrong comes through the token", "[steering]") {
  testing::manual_clock clock;
  steered_bus t(clock);
  steering slow(t.b, "s1"), quick(t.b, "s1");
  slow.take_all();
  quick.take_all();
  error_code lost, refused;
  std::size_t n = 1;
  slow.async_take_all(
      [&](error_code ec, const std::vector<steering::message>& all) { lost = ec, n = all.size(); });
  steering(t.b, "a:b").async_push("x", {}, [&](error_code ec, const steering::receipt&) { refused = ec; });
  clock.run_until_idle();
  CHECK(lost == error::lease_lost);
  CHECK(n == 0);
  CHECK(refused == error::bad_argument);
  bus none(config_for("memory").clock(clock));
  CHECK_THROWS_AS(steering(none, "s1").take_all(), error);
}

TEST_CASE("on threads every message of every pusher is taken once, in its order", "[steering]") {
  constexpr int pushers = 3, each = 100;
  bus b(with_steering({{"bus.threads", "3"}}));
  std::vector<int> last(pushers, -1);
  std::atomic<int> taken{0};
  bool in_order = true;
  const auto s = b.subscribe("work:{session_id}", [&](const delivery& d) {
    steering inbox(b, d.param("session_id"));
    while (taken < pushers * each) {
      for (const auto& m : inbox.take_all()) {
        const int n = std::stoi(m.text), pusher = n / each;
        in_order = in_order && last[static_cast<std::size_t>(pusher)] < n;
        last[static_cast<std::size_t>(pusher)] = n;
        ++taken;
      }
    }
    inbox.end();
  });
  b.publish("work:s1", "");
  std::vector<std::thread> threads;
  for (int p = 0; p < pushers; ++p)
    threads.emplace_back([&, p] {
      steering who(b, "s1");
      for (int i = 0; i < each; ++i) {
        if (i % 2 == 0) who.push(std::to_string(p * each + i));
        else who.async_push(std::to_string(p * each + i), {}, boost::asio::use_future).get();
      }
    });
  for (std::thread& t : threads) t.join();
  CHECK(eventually([&] { return s.counts().acked == 1; }));
  CHECK(in_order);
  CHECK(taken == pushers * each);
}
