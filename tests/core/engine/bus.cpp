// A bus as a whole: its threads, coroutines, subscriptions as they come and go, and several buses that share a memory instance.
#include "support/bus.hpp"

#include "support/catch.hpp"

#include <postbus/testing/manual_clock.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <mutex>
#include <set>

using namespace postbus;
using namespace postbus::tests;

TEST_CASE("with threads = 0 handlers run on the application's executor", "[bus]") {
  boost::asio::io_context io;
  bus b(config_for("memory").threads(0), io.get_executor());
  int plain = 0, coroutine = 0, retried = 0;
  const auto one = b.subscribe("a", [&](const delivery& d) {
    ++plain;
    if (d.attempt() == 1) throw retry{1ms};
    ++retried;
  });
  const auto two = b.subscribe("a", [&](delivery) -> boost::asio::awaitable<void> {
    ++coroutine;
    co_return;
  });
  b.publish("a", "x");
  CHECK(plain + coroutine == 0);
  while (retried == 0 || coroutine == 0) io.run_one_for(1s);
  CHECK(plain == 2);
  CHECK(coroutine == 1);
  // The application goes on running its executor while the bus closes.
  std::thread runner([&] {
    const auto work = boost::asio::make_work_guard(io);
    io.run();
  });
  CHECK(b.close().clean);
  io.stop();
  runner.join();
}

TEST_CASE("threads = 0 without an executor is refused", "[bus]") {
  CHECK_THROWS_AS(bus(config_for("memory").threads(0)), error);
}

TEST_CASE("a coroutine handler may suspend, and others go on meanwhile up to the concurrency", "[bus]") {
  bus b(config_for("memory"));
  subscribe_options options;
  options.concurrency = 4;
  std::atomic<int> started{0}, ended{0};
  std::atomic<bool> go{false};
  const auto s = b.subscribe(
      "a",
      [&](delivery d) -> boost::asio::awaitable<void> {
        ++started;
        boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
        while (!go) {
          timer.expires_after(1ms);
          co_await timer.async_wait(boost::asio::use_awaitable);
        }
        CHECK(d.text() == "x");  // still valid after the suspension
        ++ended;
      },
      options);
  for (int n = 0; n < 10; ++n) b.publish("a", "x");
  REQUIRE(eventually([&] { return started == 4; }));
  CHECK(b.in_flight().size() == 4);
  go = true;
  CHECK(eventually([&] { return ended == 10; }));
  CHECK(b.wait_until_idle());
  CHECK(s.counts().acked == 10);
}

TEST_CASE("coroutines that took their settlements along are in flight once, while they run and after",
          "[bus]") {
  bus b(config_for("memory"));
  subscribe_options options;
  options.concurrency = 3;
  std::mutex mutex;
  std::vector<settlement> kept;
  std::atomic<int> started{0}, ended{0};
  std::atomic<bool> go{false};
  const auto s = b.subscribe(
      "a",
      [&](delivery d) -> boost::asio::awaitable<void> {
        {
          const std::lock_guard lock(mutex);
          kept.push_back(d.defer());
        }
        ++started;
        boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
        while (!go) {
          timer.expires_after(1ms);
          co_await timer.async_wait(boost::asio::use_awaitable);
        }
        ++ended;
      },
      options);
  for (int n = 0; n < 3; ++n) b.publish("a", "x");
  REQUIRE(eventually([&] { return started == 3; }));
  CHECK(b.in_flight().size() == 3);
  kept[1].ack();
  CHECK(b.in_flight().size() == 3);  // it still runs
  go = true;
  CHECK(eventually([&] { return ended == 3 && b.in_flight().size() == 2; }));
  kept[0].ack();
  kept[2].ack();
  CHECK(b.in_flight().empty());
  CHECK(b.close().total().acked == 3);
}

TEST_CASE("a coroutine handler that throws is retried, and one that rejects is given up", "[bus]") {
  bus b(config_for("memory"));
  std::atomic<int> calls{0};
  const auto s = b.subscribe("a:*", [&](delivery d) -> boost::asio::awaitable<void> {
    ++calls;
    if (d.topic() == "a:reject") throw reject{"never"};
    if (d.attempt() == 1) throw retry{1ms};
    co_return;
  });
  b.publish("a:retry", "x");
  b.publish("a:reject", "x");
  CHECK(b.wait_until_idle());
  CHECK(calls == 3);
  CHECK(s.counts().acked == 1);
  CHECK(s.counts().dead == 1);
}

TEST_CASE("concurrency bounds how many plain handlers run at once", "[bus]") {
  bus b(config_for("memory").threads(4));
  subscribe_options options;
  options.concurrency = 2;
  std::atomic<int> running{0}, most{0}, done{0};
  const auto s = b.subscribe(
      "a",
      [&](const delivery&) {
        const int now = ++running;
        for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
        }
        for (int i = 0; i < 10; ++i) std::this_thread::yield();
        --running;
        ++done;
      },
      options);
  for (int n = 0; n < 500; ++n) b.publish("a", "x");
  CHECK(eventually([&] { return done == 500; }));
  CHECK(most <= 2);
}

TEST_CASE("async_unsubscribe completes when the last coroutine has ended", "[bus]") {
  bus b(config_for("memory"));
  std::atomic<bool> started{false}, go{false}, ended{false};
  auto s = b.subscribe("a", [&](delivery) -> boost::asio::awaitable<void> {
    started = true;
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    while (!go) {
      timer.expires_after(1ms);
      co_await timer.async_wait(boost::asio::use_awaitable);
    }
    ended = true;
  });
  b.publish("a", "x");
  REQUIRE(eventually([&] { return started.load(); }));
  s.unsubscribe();  // does not wait for a suspended coroutine
  CHECK_FALSE(ended);
  auto gone = s.async_unsubscribe(boost::asio::use_future);
  go = true;
  gone.get();
  CHECK(ended);
  CHECK(s.counts().acked == 1);
}

TEST_CASE("topics() and subscriber_count() say who subscribes on this bus", "[bus]") {
  bus b(config_for("memory"));
  const auto one = b.subscribe("a:*", [](const delivery&) {});
  auto two = b.subscribe("a:**", [](const delivery&) {});
  const auto three = b.subscribe("a:*", [](const delivery&) {});
  CHECK(b.topics() == std::vector<std::string>{"a:*", "a:**"});
  CHECK(b.subscriber_count("a:b") == 3);
  CHECK(b.subscriber_count("a") == 1);
  CHECK(b.subscriber_count("b") == 0);
  two.unsubscribe();
  CHECK(b.subscriber_count("a:b") == 2);
}

TEST_CASE("a handler object lives until its last call has ended, and no longer", "[bus]") {
  bus b(config_for("memory"));
  const auto token = std::make_shared<int>(7);
  std::atomic<int> calls{0};
  {
    const auto s = b.subscribe("a", [&, token](const delivery&) { calls += *token; });
    b.publish("a", "x");
    REQUIRE(eventually([&] { return calls == 7; }));
  }
  CHECK(eventually([&] { return token.use_count() == 1; }));
}

TEST_CASE("close asks handlers to stop at the deadline", "[bus]") {
  bus b(config_for("memory"));
  std::atomic<bool> started{false};
  const auto s = b.subscribe("a", [&](const delivery& d) {
    started = true;
    while (!d.stop_requested()) std::this_thread::yield();
  });
  b.publish("a", "x");
  REQUIRE(eventually([&] { return started.load(); }));
  const close_report report = b.close(1ms);
  CHECK(report.clean);
  CHECK(report.total().acked == 1);
}

TEST_CASE("a later close() with an earlier end shortens the first one's", "[bus]") {
  bus b(config_for("memory"));
  std::atomic<bool> started{false};
  const auto s = b.subscribe("a", [&](const delivery& d) {
    started = true;
    while (!d.stop_requested()) std::this_thread::yield();
  });
  b.publish("a", "x");
  REQUIRE(eventually([&] { return started.load(); }));
  std::atomic<bool> over{false};
  close_report first;
  std::thread closing([&] {
    first = b.close(std::chrono::hours(1), std::chrono::hours(1));
    over = true;
  });
  CHECK(eventually([&] { return b.health().state == health_state::unhealthy; }));  // it is closing
  CHECK_FALSE(over);
  const close_report second = b.close(0ms);
  closing.join();
  CHECK(first.total().acked == 1);
  CHECK(second.total().acked == 1);
}

TEST_CASE("of subscriptions that ended the report names the last thousand, and adds up those before",
          "[bus]") {
  testing::manual_clock clock;
  bus b(config_for("memory").clock(clock));
  for (std::size_t i = 0; i < close_report::ended_max + 7; ++i) {
    auto s = b.subscribe("a", [](const delivery&) {});
    b.publish("a", "x");
    clock.run_until_idle();
    s.unsubscribe();
    clock.run_until_idle();
  }
  const close_report report = b.close();
  CHECK(report.subscriptions.size() == close_report::ended_max);
  CHECK(report.earlier.acked == 7);
  CHECK(report.total().acked == close_report::ended_max + 7);
}

TEST_CASE("what does not stop at all is abandoned, counted, and kept alive", "[bus]") {
  // Leaks on purpose what it abandons, as promised: the handler below still uses it.
  static std::atomic<bool> go{false}, ended{false};
  std::atomic<bool> started{false};
  close_report report;
  {
    bus b(config_for("memory"));
    auto s = b.subscribe("a", [&started, big = std::string(1000, 'x')](const delivery& d) {
      started = true;
      while (!go) std::this_thread::yield();
      ended = d.text().size() + big.size() == 1001;
    });
    b.publish("a", "x");
    REQUIRE(eventually([&] { return started.load(); }));
    report = b.close(1ms, 1ms);
  }
  CHECK_FALSE(report.clean);
  CHECK(report.total().abandoned == 1);
  CHECK(report.total().taken_on == sum(report.total()));
  go = true;
  CHECK(eventually([&] { return ended.load(); }));
}

TEST_CASE("close and wait_until_idle from a handler are refused", "[bus]") {
  bus b(config_for("memory"));
  std::atomic<int> refused{0};
  const auto s = b.subscribe("a", [&](const delivery&) {
    try {
      b.close();
    } catch (const error& e) {
      refused += e.code() == error::would_block;
    }
    try {
      b.wait_until_idle();
    } catch (const error& e) {
      refused += e.code() == error::would_block;
    }
  });
  b.publish("a", "x");
  CHECK(eventually([&] { return refused == 2; }));
}

TEST_CASE("buses of one process that name the same memory instance share their events", "[bus]") {
  testing::manual_clock clock;
  const auto one_of_them = [&](const char* name) {
    return config_for("memory").name(name).set("transport.instance", "shared").clock(clock);
  };
  bus first(one_of_them("first")), second(one_of_them("second"));
  bus apart(config_for("memory").clock(clock));
  std::string got;
  int elsewhere = 0;
  const auto s = second.subscribe(
      "a", [&](const delivery& d) { got += std::string(d.source()) + ":" + std::string(d.text()) + " "; });
  const auto t = apart.subscribe("a", [&](const delivery&) { ++elsewhere; });
  first.publish("a", "1");
  second.publish("a", "2");
  clock.run_until_idle();
  CHECK(got == "first:1 second:2 ");
  CHECK(elsewhere == 0);
  first.close();
  second.publish("a", "3");
  clock.run_until_idle();
  CHECK(got == "first:1 second:2 second:3 ");
}

TEST_CASE("a group keeps what was sent while it had no member", "[bus]") {
  testing::manual_clock clock;
  bus b(config_for("memory").clock(clock));
  subscribe_options options;
  options.group = "g";
  std::string got;
  const auto handler = [&](const delivery& d) { got += d.text(); };
  auto s = b.subscribe("a", handler, options);
  s.unsubscribe();
  b.publish("a", "1");
  b.publish("a", "2");
  clock.run_until_idle();
  CHECK(got.empty());
  const auto again = b.subscribe("a", handler, options);
  clock.run_until_idle();
  CHECK(got == "12");
}

TEST_CASE("what the memory transport still queues at the end is reported apart", "[bus]") {
  testing::manual_clock clock;
  bus b(config_for("memory").clock(clock));
  subscribe_options options;
  options.group = "g";
  const auto s = b.subscribe(
      "a", [](const delivery&) {}, options);
  for (int n = 0; n < 100; ++n) b.publish("a", "x");
  const close_report report = b.close();
  CHECK(report.total().given_back == 64);
  REQUIRE(report.metrics.size() >= 1);
  CHECK(report.metrics[0].name == "postbus_memory_queued_events");
  CHECK(report.metrics[0].value == 100);
}

TEST_CASE("what a subscription takes along with its queue is not counted as queued any more", "[bus]") {
  testing::manual_clock clock;
  bus b(config_for("memory").clock(clock));
  const auto queued = [&] {
    for (const metric& m : b.metrics())
      if (m.name == "postbus_memory_queued_events") return m.value;
    return -1.0;
  };
  const auto other = b.subscribe("b", [](const delivery&) {});
  subscribe_options one;
  one.prefetch = 1;
  auto s = b.subscribe(
      "a", [](const delivery&) {}, one);
  for (int n = 0; n < 10; ++n) b.publish("a", "x");
  b.health();  // which looks at all queues
  CHECK(queued() == 9);
  s.unsubscribe();
  clock.run_until_idle();
  CHECK(queued() == 0);
}

TEST_CASE("inline dispatch on a transport that answers later is refused", "[bus]") {
  try {
    const bus b(config_for("hub").set("transport.dispatch", "inline"));
    FAIL("not refused");
  } catch (const error& e) {
    CHECK(e.code() == error::unsupported);
    CHECK(e.found().find("inline") != std::string::npos);
  }
}

TEST_CASE("what runs can be listed at any moment, while handlers start and end", "[bus]") {
  for (const char* dispatch : {"queued", "inline"}) {
    bus b(config_for("memory").set("transport.dispatch", dispatch));
    std::atomic<int> plain{0}, coroutine{0};
    const auto one = b.subscribe("job:{user}", [&](const delivery&) { ++plain; });
    const auto two = b.subscribe("job:{user}", [&](delivery) -> boost::asio::awaitable<void> {
      ++coroutine;
      co_return;
    });
    std::thread publisher([&] {
      for (int i = 0; i < 500; ++i) b.publish("job:42", "x");
    });
    while (plain < 500 || coroutine < 500)
      for (const running_delivery& d : b.in_flight()) {
        REQUIRE(d.topic == "job:42");
        REQUIRE(d.attempt == 1);
      }
    publisher.join();
  }
}
