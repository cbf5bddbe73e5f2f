// Publishing: what is refused, batches, waiting for room, completion tokens, inline dispatch.
#include "support/bus.hpp"
#include "support/catch.hpp"

#include <postbus/testing/manual_clock.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

using namespace postbus;
using namespace postbus::tests;

TEST_CASE("a malformed topic is refused with what is wrong with it", "[publish]") {
  bus b(config_for("memory"));
  for (const char* topic : {"", "a::b", "a b", "a:*", "a:{x}", "postbus:dead"}) {
    INFO(topic);
    error_code ec;
    b.publish(topic, "x", {}, ec);
    CHECK(ec == error::bad_argument);
  }
  try {
    b.publish("jobs::start", "x");
    FAIL("not refused");
  } catch (const error& e) {
    CHECK(e.code() == error::bad_argument);
    CHECK(std::string(e.what()).find("jobs::start") != std::string::npos);
  }
}

TEST_CASE("a malformed pattern is refused with what is wrong with it", "[publish]") {
  bus b(config_for("memory"));
  for (const char* pattern : {"", "a::b", "**:a", "{:x", "{a}:{a}", "a*"}) {
    INFO(pattern);
    try {
      const auto s = b.subscribe(pattern, [](const delivery&) {});
      FAIL("not refused");
    } catch (const error& e) {
      CHECK(e.code() == error::bad_argument);
      CHECK_FALSE(e.found().empty());
    }
  }
}

TEST_CASE("headers are refused when they break the rules of CloudEvents", "[publish]") {
  bus b(config_for("memory"));
  for (const char* name : {"", "Upper", "with-dash", "a23456789012345678901", "id", "source", "type", "time",
                           "data", "specversion", "datacontenttype", "partitionkey", "expirytime"}) {
    INFO(name);
    const header headers[] = {{name, "x"}};
    publish_options options;
    options.headers = headers;
    error_code ec;
    b.publish("a", "x", options, ec);
    CHECK(ec == error::bad_argument);
  }
  const std::vector<header> many(65, header{"a", "b"});
  publish_options options;
  options.headers = many;
  error_code ec;
  b.publish("a", "x", options, ec);
  CHECK(ec == error::bad_argument);
}

TEST_CASE("a batch has an answer per event, and a bad one does not stop those behind it", "[publish]") {
  testing::manual_clock clock;
  bus b(config_for("memory").clock(clock));
  std::string got;
  const auto s = b.subscribe("**", [&](const delivery& d) { got += d.text(); });
  std::vector<message> messages;
  for (const char* text : {"1", "2", "3"}) messages.push_back({"a", text});
  messages.insert(messages.begin() + 1, {"not a topic", "x"});
  const auto results = b.publish(messages);
  REQUIRE(results.size() == 4);
  CHECK_FALSE(results[0].ec);
  CHECK(results[1].ec == error::bad_argument);
  CHECK_FALSE(results[2].ec);
  CHECK_FALSE(results[3].ec);
  CHECK(results[2].value.id().size() == 36);
  clock.run_until_idle();
  CHECK(got == "123");
}

TEST_CASE("a batch larger than what is handed over at once keeps its order", "[publish]") {
  testing::manual_clock clock;
  bus b(config_for("memory").clock(clock));
  std::vector<std::string> got, texts;
  const auto s = b.subscribe("a:*", [&](const delivery& d) { got.emplace_back(d.text()); });
  for (int n = 0; n < 1000; ++n) texts.push_back(std::to_string(n));
  std::vector<message> messages;
  for (const std::string& text : texts) messages.push_back({text.size() % 2 == 0 ? "a:even" : "a:odd", text});
  for (const auto& r : b.publish(messages)) CHECK_FALSE(r.ec);
  clock.run_until_idle();
  CHECK(got == texts);
}

TEST_CASE("a full queue refuses a publish that does not wait", "[publish]") {
  testing::manual_clock clock;
  bus b(config_for("memory").clock(clock).set("transport.queue_max", "4"));
  subscribe_options options;
  options.group = "g";
  options.prefetch = 1;
  int calls = 0;
  const auto s = b.subscribe(
      "a", [&](const delivery&) { ++calls; }, options);
  publish_options at_once;
  at_once.deadline = 0s;
  error_code ec;
  int taken = 0;
  for (; !ec && taken < 100; ++taken) b.publish("a", "x", at_once, ec);
  CHECK(ec == error::full);
  CHECK(taken - 1 == 5);  // one with the handler's side, four queued
  b.publish("elsewhere", "x", at_once, ec);
  CHECK_FALSE(ec);
  clock.run_until_idle();
  CHECK(calls == 5);
  b.publish("a", "x", at_once, ec);
  CHECK_FALSE(ec);
}

TEST_CASE("a publish waits until there is room", "[publish]") {
  bus b(config_for("memory").set("transport.queue_max", "2"));
  subscribe_options options;
  options.prefetch = 1;
  std::atomic<int> calls{0};
  std::atomic<bool> blocked{true};
  const auto s = b.subscribe(
      "a",
      [&](const delivery&) {
        ++calls;
        while (blocked) std::this_thread::yield();
      },
      options);
  std::atomic<int> published{0};
  std::thread publisher([&] {
    for (int n = 0; n < 50; ++n) {
      b.publish("a", "x");
      ++published;
    }
  });
  REQUIRE(eventually([&] { return calls == 1 && published >= 3; }));
  CHECK(published < 50);
  blocked = false;
  publisher.join();
  CHECK(eventually([&] { return calls == 50; }));
}

TEST_CASE("a handler does not wait for room", "[publish]") {
  testing::manual_clock clock;
  bus b(config_for("memory").clock(clock).set("transport.queue_max", "1"));
  subscribe_options options;
  options.prefetch = 1;
  const auto full = b.subscribe(
      "full", [](const delivery&) {}, options);
  error_code ec;
  const auto s = b.subscribe("a", [&](const delivery& d) {
    for (int n = 0; n < 10 && !ec; ++n) d.publish("full", "x", {}, ec);
  });
  b.publish("a", "x");
  clock.run_until_idle();
  CHECK(ec == error::would_block);
}

TEST_CASE("async_publish takes a callback, a future and a coroutine", "[publish]") {
  bus b(config_for("memory"));
  std::atomic<int> calls{0};
  const auto s = b.subscribe("a", [&](const delivery&) { ++calls; });
  std::atomic<bool> called{false};
  b.async_publish("a", "1", [&](error_code ec, receipt r) { called = !ec && r.id().size() == 36; });
  CHECK(eventually([&] { return called.load(); }));

  CHECK(b.async_publish("a", "2", boost::asio::use_future).get().id().size() == 36);

  boost::asio::io_context io;
  std::string id;
  boost::asio::co_spawn(
      io,
      [&]() -> boost::asio::awaitable<void> {
        auto later = [&] {
          return b.async_publish(std::string("a"), std::string("3"), boost::asio::use_awaitable);
        }();
        id = (co_await std::move(later)).id();  // the topic and the data were copied
      },
      boost::asio::detached);
  io.run();
  CHECK(id.size() == 36);
  CHECK(eventually([&] { return calls == 3; }));

  error_code ec;
  b.async_publish("not a topic", "x", [&](error_code e, receipt) {
    ec = e;
    called = false;
  });
  CHECK(eventually([&] { return !called; }));
  CHECK(ec == error::bad_argument);
}

TEST_CASE("asynchronous publishes without room wait in their order, up to their deadline", "[publish]") {
  testing::manual_clock clock;
  bus b(config_for("memory").clock(clock).set("transport.queue_max", "1"));
  subscribe_options options;
  options.group = "g";
  options.prefetch = 1;
  std::string got;
  std::vector<settlement> held;
  const auto s = b.subscribe(
      "a",
      [&](const delivery& d) {
        got += d.text();
        held.push_back(d.defer());
      },
      options);
  std::vector<error_code> answers(6, make_error_code(error::failed));
  for (int n = 0; n < 6; ++n) {
    publish_options p;
    p.deadline = 10s;
    b.async_publish("a", std::to_string(n), p,
                    [&answers, n](error_code ec, receipt) { answers[static_cast<std::size_t>(n)] = ec; });
  }
  clock.run_until_idle();
  CHECK(got == "0");
  while (got.size() < 4) {
    held.back().ack();
    clock.run_until_idle();
  }
  CHECK(got == "0123");
  clock.advance(10s);
  CHECK_FALSE(answers[4]);
  CHECK(answers[5] == error::full);
  for (auto& h : held) {
    error_code ec;
    h.ack(ec);
  }
}

TEST_CASE("inline handlers run on the thread that publishes, before publish returns", "[publish]") {
  bus b(config_for("memory").set("transport.dispatch", "inline"));
  std::thread::id on;
  int depth = 0, most = 0;
  const auto s = b.subscribe("a:*", [&](const delivery& d) {
    on = std::this_thread::get_id();
    most = std::max(most, ++depth);
    if (d.text() == "outer") d.publish("a:inner", "inner");
    --depth;
  });
  b.publish("a:outer", "outer");
  CHECK(on == std::this_thread::get_id());
  CHECK(most == 2);
  CHECK(s.counts().acked == 2);
}

TEST_CASE("an inline handler may fail, defer and unsubscribe", "[publish]") {
  bus b(config_for("memory").set("transport.dispatch", "inline"));
  std::atomic<int> calls{0};
  subscribe_options options;
  options.backoff.first = std::chrono::microseconds(1);
  const auto flaky = b.subscribe(
      "a",
      [&](const delivery& d) {
        ++calls;
        if (d.attempt() == 1) throw std::runtime_error("once");
      },
      options);
  settlement kept;
  const auto deferring = b.subscribe("a", [&](const delivery& d) { kept = d.defer(); });
  subscription leaving;
  leaving = b.subscribe("a", [&](const delivery&) { leaving.unsubscribe(); });
  b.publish("a", "x");
  b.publish("b", "x");
  CHECK(eventually([&] { return flaky.counts().acked == 1; }));
  CHECK(calls == 2);
  CHECK(kept.event().text() == "x");
  kept.ack();
  CHECK(b.wait_until_idle());
  CHECK(b.subscriber_count("a") == 2);
  const close_report report = b.close();
  CHECK(report.clean);
  CHECK(report.total().taken_on == 3);
  CHECK(report.total().acked == 3);
}

TEST_CASE("concurrency under inline dispatch is refused, for it would be ignored", "[publish]") {
  bus b(config_for("memory").set("transport.dispatch", "inline"));
  subscribe_options options;
  options.concurrency = 2;
  CHECK_THROWS_AS(b.subscribe(
                      "a", [](const delivery&) {}, options),
                  error);
}

TEST_CASE("a topic handle publishes where its text says", "[publish]") {
  testing::manual_clock clock;
  bus b(config_for("memory").clock(clock));
  const topic t("agent:status:42");
  std::string id;
  const auto s = b.subscribe("agent:status:{id}", [&](const delivery& d) { id = d.param("id"); });
  b.publish(t, "ok");
  clock.run_until_idle();
  CHECK(id == "42");
  CHECK_THROWS_AS(topic("not a topic"), error);
}
