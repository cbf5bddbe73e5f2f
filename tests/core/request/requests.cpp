// Request and reply.
#include "refusal.hpp"
#include "support/bus.hpp"
#include "support/catch.hpp"

#include <postbus/testing/manual_clock.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

using namespace postbus;
using namespace postbus::tests;

namespace {

struct virtual_bus {
  testing::manual_clock clock;
  bus b{config_for("memory").clock(clock)};
};

double metric_of(bus& b, std::string_view name) {
  for (const metric& m : b.metrics())
    if (m.name == name) return m.value;
  return 0;
}

void echo(const delivery& d) { d.reply("re: " + std::string(d.text()), "text/x-echo"); }

}  // namespace

TEST_CASE("a request gets what a handler replies", "[request]") {
  bus b(config_for(GENERATE("memory", "hub", "hub+json")));
  const auto s = b.subscribe("ask", echo);
  const event reply = b.request("ask", "hello", 30s);
  CHECK(reply.text() == "re: hello");
  CHECK(reply.content_type() == "text/x-echo");
  CHECK(reply.header("causationid"));
  CHECK(b.topics() == std::vector<std::string>{"ask"});  // that it listens for replies is its own affair
  CHECK(metric_of(b, "postbus_requests_waiting") == 0);
  const close_report report = b.close();
  CHECK(report.clean);
  CHECK(report.subscriptions.size() == 1);
}

TEST_CASE("requests of many threads each get their own reply", "[request]") {
  bus b(config_for("memory").threads(2));
  const auto s = b.subscribe("ask", echo);
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int n = 0; n < 100; ++n) {
        const std::string text = std::to_string(t) + "-" + std::to_string(n);
        right += b.request("ask", text, 30s).text() == "re: " + text;
      }
    });
  for (std::thread& t : threads) t.join();
  CHECK(right == 400);
}

TEST_CASE("buses that share a transport answer each other", "[request]") {
  testing::manual_clock clock;
  bus asks(config_for("memory").set("transport.instance", "shared-by-requests").clock(clock)),
      answers(config_for("memory").set("transport.instance", "shared-by-requests").clock(clock));
  const auto s = answers.subscribe("ask", echo);
  CHECK(asks.request("ask", "x", 1s).text() == "re: x");
}

TEST_CASE("an error as a reply is the error of the request", "[request]") {
  virtual_bus v;
  const auto s = v.b.subscribe("ask", [](const delivery& d) { d.reply_error("out of tea"); });
  const error e = refusal([&] { (void)v.b.request("ask", "", 1s); });
  CHECK(e.code() == error::failed);
  CHECK(has(e.what(), "out of tea"));
}

TEST_CASE("without a reply in time a request ends, and a late one is counted", "[request]") {
  virtual_bus v;
  settlement kept;
  const auto s = v.b.subscribe("ask", [&](const delivery& d) { kept = d.defer(); });
  error_code ec;
  v.b.async_request("ask", "x", 1s, [&](error_code e, const event&) { ec = e; });
  v.clock.advance(999ms);
  CHECK_FALSE(ec);
  CHECK(metric_of(v.b, "postbus_requests_waiting") == 1);
  v.clock.advance(1ms);
  CHECK(ec == error::timed_out);
  kept.reply("late");  // its own ttl is over with the request's
  kept.ack();
  v.clock.run_until_idle();
  CHECK(metric_of(v.b, "postbus_requests_waiting") == 0);
  CHECK(v.clock.pending_timers() == 0);
}

TEST_CASE("of several replies the first counts", "[request]") {
  virtual_bus v;
  const auto s = v.b.subscribe("ask", echo);
  const auto t = v.b.subscribe("ask", echo);
  CHECK(v.b.request("ask", "x", 1s).text() == "re: x");
  v.clock.run_until_idle();
  CHECK(metric_of(v.b, "postbus_replies_late_total") == 1);
}

TEST_CASE("a settlement that was taken along can reply", "[request]") {
  virtual_bus v;
  settlement kept;
  const auto s = v.b.subscribe("ask", [&](const delivery& d) { kept = d.defer(); });
  std::string reply;
  v.b.async_request("ask", "x", 1min, [&](error_code, const event& e) { reply = e.text(); });
  v.clock.run_until_idle();
  kept.reply("in the end");
  kept.ack();
  v.clock.run_until_idle();
  CHECK(reply == "in the end");
}

TEST_CASE("a request expires with its timeout: who comes later does not see it", "[request]") {
  virtual_bus v;
  subscribe_options o;
  o.group = "g";
  {
    const auto gone = v.b.subscribe(
        "ask", [](const delivery&) {}, o);
  }
  v.b.async_request("ask", "x", 1s, [](error_code, const event&) {});
  v.clock.advance(2s);
  int calls = 0;
  const auto s = v.b.subscribe(
      "ask", [&](const delivery&) { ++calls; }, o);
  v.clock.run_until_idle();
  CHECK(calls == 0);
}

TEST_CASE("a coroutine handler may ask others before it replies", "[request]") {
  bus b(config_for("memory").threads(2));
  const auto inner = b.subscribe("inner", echo);
  const auto outer = b.subscribe("outer", [&](delivery d) -> boost::asio::awaitable<void> {
    const event e = co_await b.async_request("inner", d.data(), 30s, boost::asio::use_awaitable);
    d.reply(e.data());
  });
  CHECK(b.request("outer", "x", 30s).text() == "re: x");
}

TEST_CASE("a handler does not wait for a reply on the spot", "[request]") {
  virtual_bus v;
  error_code ec;
  const auto s = v.b.subscribe("a", [&](const delivery&) { (void)v.b.request("ask", "", 1s, {}, ec); });
  v.b.publish("a", "");
  v.clock.run_until_idle();
  CHECK(ec == error::would_block);
}

TEST_CASE("a reply to an event that asks for none is refused", "[request]") {
  virtual_bus v;
  error_code ec;
  const auto s = v.b.subscribe("a", [&](const delivery& d) {
    try {
      d.reply("x");
    } catch (const error& e) {
      ec = e.code();
    }
  });
  const header forged[] = {{"replyto", "somewhere"}};
  publish_options o;
  if (GENERATE(false, true)) o.headers = forged;
  v.b.publish("a", "", o);
  v.clock.run_until_idle();
  CHECK(ec == error::bad_argument);
}

TEST_CASE("a request that cannot be published says so at once", "[request]") {
  virtual_bus v;
  CHECK(refusal([&] { (void)v.b.request("a b", "", 1s); }).code() == error::bad_argument);
  CHECK(refusal([&] { (void)v.b.request("a", "", 0s); }).code() == error::bad_argument);
  const header taken[] = {{"replyto", "x"}};
  publish_options o;
  o.headers = taken;
  CHECK(refusal([&] { (void)v.b.request("a", "", 1s, o); }).code() == error::bad_argument);
  v.b.close();
  CHECK(refusal([&] { (void)v.b.request("a", "", 1s); }).code() == error::closed);
}

TEST_CASE("a raw transport has no room for a reply address", "[request]") {
  testing::manual_clock clock;
  bus b(config_for("memory").set("transport.codec", "raw").clock(clock));
  CHECK(refusal([&] { (void)b.request("a", "", 1s); }).code() == error::unsupported);
}

TEST_CASE("close() tells those that still wait", "[request]") {
  bus b(config_for("memory"));
  auto waiting = b.async_request("nobody", "", 1h, boost::asio::use_future);
  b.close();
  try {
    (void)waiting.get();
    FAIL("got a reply from nobody");
  } catch (const boost::system::system_error& e) {
    CHECK(e.code() == error::closed);
  }
}

TEST_CASE("replies do not pass the features", "[request]") {
  testing::manual_clock clock;
  std::vector<std::string> asked;
  bus b(config_for("memory")
            .intercept("list", [&](interception& i) { asked.emplace_back(i.topic()); })
            .clock(clock));
  const auto s = b.subscribe("ask", echo);
  (void)b.request("ask", "x", 1s);
  CHECK(asked == std::vector<std::string>{"ask", "ask"});
}
