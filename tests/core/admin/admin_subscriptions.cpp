// Subscriptions and tails over the admin socket: deliveries, answers, and what becomes of them when a client is lost.
#include "refusal.hpp"
#include "support/admin_client.hpp"

#include <set>

using namespace postbus;
using namespace postbus::tests;

namespace {

json::object number_of(const json::object& line) { return {{"delivery", line.at("delivery")}}; }

// Counts what it is asked, and lets everything by.
struct counting_feature {
  std::atomic<int> delivered{0};
  config in(config c) {
    return c.intercept(
        "counting", [this](interception&) { ++delivered; }, stages::deliver);
  }
};

}  // namespace

TEST_CASE("a delivery comes with everything that is known of it", "[admin]") {
  bus_with_admin f;
  admin_client c = f.connect();
  const json::value subscription = c.result("subscribe", {{"pattern", "job:{user}:*"}}).at("subscription");
  const header headers[] = {{"traceparent", "00-1"}};
  publish_options options;
  options.id = "e1";
  options.key = "k";
  options.content_type = "text/plain";
  options.headers = headers;
  f.b.publish("job:42:start", "grün", options);
  const json::object line = c.event();
  CHECK(line.at("subscription") == subscription);
  CHECK(line.at("delivery") == 1);
  CHECK(line.at("attempt") == 1);
  CHECK(line.at("params") == json::value{{"user", "42"}});
  const json::object& event = line.at("event").as_object();
  CHECK(text(event, "topic") == "job:42:start");
  CHECK(text(event, "id") == "e1");
  CHECK(text(event, "source") == "fleet");
  CHECK(text(event, "key") == "k");
  CHECK(text(event, "content_type") == "text/plain");
  CHECK(text(event, "data") == "grün");
  CHECK(event.at("headers") == json::value{{"traceparent", "00-1"}});
  CHECK(text(event, "time").size() == std::string_view("2026-03-01T12:00:00.000000000Z").size());
  CHECK(c.result("ack", number_of(line)) == json::object());
  CHECK(f.b.wait_until_idle());
}

TEST_CASE("data that is no UTF-8 comes as base64, and what is empty is left out", "[admin]") {
  bus_with_admin f;
  admin_client c = f.connect();
  c.result("tail");
  f.b.publish("a", "\xff\x01");
  const json::object event = c.event().at("event").as_object();
  CHECK(text(event, "data_base64") == "/wE=");
  for (const char* absent : {"data", "key", "content_type", "headers"}) CHECK_FALSE(event.contains(absent));
}

TEST_CASE("retry delivers again, reject never, and an answer counts once", "[admin]") {
  bus_with_admin f;
  admin_client c = f.connect();
  c.result("subscribe", {{"pattern", "a"}});
  f.b.publish("a", "1");
  const json::object first = c.event();
  c.result("retry", {{"delivery", first.at("delivery")}, {"after", "1ms"}});
  const json::object second = c.event();
  CHECK(second.at("delivery") == 2);
  CHECK(second.at("attempt") == 2);
  CHECK(second.at("event").at("id") == first.at("event").at("id"));
  c.result("reject", {{"delivery", 2}, {"reason", "no such user"}});
  CHECK(text(c.refusal("ack", {{"delivery", 2}}), "code") == "already_settled");
  CHECK(text(c.refusal("ack", {{"delivery", 3}}), "code") == "bad_argument");
  CHECK(text(c.refusal("retry", {{"delivery", 2}, {"after", "soon"}}), "code") == "bad_argument");
  CHECK(f.b.wait_until_idle());
  const auto counts = c.result("topics").at(0).at("counts");
  CHECK(counts.at("retried") == 1);
  CHECK(counts.at("dead") == 1);
}

TEST_CASE("prefetch bounds what is sent without an answer", "[admin]") {
  bus_with_admin f;
  admin_client c = f.connect();
  c.result("subscribe", {{"pattern", "a"}, {"prefetch", 2}});
  for (int n = 0; n < 5; ++n) f.b.publish("a", std::to_string(n));
  CHECK(c.event().at("delivery") == 1);
  CHECK(c.event().at("delivery") == 2);
  c.result("topics");
  CHECK(c.others.empty());
  CHECK(c.result("topics").at(0).at("open") == 2);
  c.result("ack", {{"delivery", 1}});
  CHECK(c.event().at("delivery") == 3);
}

TEST_CASE("a killed client gives back what it had: another of its group gets it, uncounted", "[admin]") {
  bus_with_admin f;
  admin_client lost = f.connect();
  lost.result("subscribe", {{"pattern", "a"}, {"group", "g"}});
  for (int n = 0; n < 10; ++n) f.b.publish("a", std::to_string(n));
  for (int n = 0; n < 10; ++n) lost.event();
  lost.result("ack", {{"delivery", 3}});
  admin_client heir = f.connect();
  heir.result("subscribe", {{"pattern", "a"}, {"group", "g"}});
  lost.kill();
  std::set<std::string> got;
  for (int n = 0; n < 9; ++n) {
    const json::object line = heir.event();
    CHECK(line.at("attempt") == 1);
    got.emplace(text(line.at("event").at("data")));
    heir.result("ack", number_of(line));
  }
  CHECK(got == std::set<std::string>{"0", "1", "3", "4", "5", "6", "7", "8", "9"});
  CHECK(f.b.wait_until_idle());
  CHECK(f.b.subscriber_count("a") == 1);
}

TEST_CASE("a lost client never costs an event its last attempt", "[admin]") {
  bus_with_admin f;
  for (int round = 0; round < 8; ++round) {  // more than max_deliveries
    admin_client c = f.connect();
    c.result("subscribe", {{"pattern", "a"}, {"group", "g"}});
    if (round == 0) f.b.publish("a", "1");
    CHECK(c.event().at("attempt") == 1);
  }
  admin_client c = f.connect();
  c.result("subscribe", {{"pattern", "a"}, {"group", "g"}});
  CHECK(text(c.event().at("event").at("data")) == "1");
}

TEST_CASE("a client that ends its side is answered, and its subscriptions end", "[admin]") {
  bus_with_admin f;
  admin_client c = f.connect();
  REQUIRE(
      c.send("{\"id\":1,\"method\":\"subscribe\",\"args\":{\"pattern\":\"a\"}}\n{\"id\":2,\"method\":"
             "\"topics\"}\n"));
  c.end_writing();
  std::set<std::int64_t> answered;
  for (int n = 0; n < 2; ++n) answered.insert(c.next().at("id").as_int64());
  CHECK(answered == std::set<std::int64_t>{1, 2});
  CHECK(c.at_end());
  CHECK(eventually([&] { return f.b.topics().empty(); }));
}

TEST_CASE("after unsubscribe nothing more comes, and what was sent may still be answered", "[admin]") {
  bus_with_admin f;
  admin_client c = f.connect();
  const json::value number =
      c.result("subscribe", {{"pattern", "a"}, {"group", "g"}, {"prefetch", 1}}).at("subscription");
  f.b.publish("a", "1");
  f.b.publish("a", "2");
  const json::object line = c.event();
  CHECK(c.result("unsubscribe", {{"subscription", number}}) == json::object());
  CHECK(f.b.topics().empty());
  c.result("ack", number_of(line));
  CHECK(text(c.refusal("unsubscribe", {{"subscription", number}}), "code") == "bad_argument");
  CHECK(c.others.empty());
  c.result("subscribe", {{"pattern", "a"}, {"group", "g"}});
  CHECK(text(c.event().at("event").at("data")) == "2");
}

TEST_CASE("what subscribe refuses is told by name", "[admin]") {
  bus_with_admin f;
  admin_client c = f.connect();
  CHECK(text(c.refusal("subscribe", {{"pattern", "a::b"}}), "code") == "bad_argument");
  CHECK(text(c.refusal("subscribe"), "found") == "'subscribe' without pattern");
  CHECK(text(c.refusal("subscribe", {{"pattern", "a"}, {"prefetch", 0}}), "code") == "bad_argument");
  CHECK(text(c.refusal("subscribe", {{"pattern", "a"}, {"transport", "defualt"}}), "remedy") ==
        "did you mean 'default'?");
  CHECK(text(c.refusal("tail", {{"pattern", ""}}), "code") == "bad_argument");
  CHECK(f.b.topics().empty());
}

TEST_CASE("a tail is seen by nobody: neither topics nor features nor the report", "[admin]") {
  using way = std::pair<const char*, const char*>;
  const way over = GENERATE(way("memory", "queued"), way("memory", "inline"), way("hub", "queued"));
  CAPTURE(over.first, over.second);
  counting_feature feature;
  bus_with_admin f(feature.in(config_for(over.first).set("transport.dispatch", over.second)));
  admin_client c = f.connect();
  c.result("tail");
  c.result("tail", {{"pattern", "a:*"}});
  f.b.publish("a:1", "x");
  const json::object one = c.event(), two = c.event();
  CHECK(one.at("subscription") != two.at("subscription"));
  CHECK_FALSE(one.contains("delivery"));
  CHECK(feature.delivered == 0);
  CHECK(f.b.topics().empty());
  CHECK(f.b.subscriber_count("a:1") == 0);
  CHECK(c.result("topics") == json::array());
  // A subscription is.
  c.result("subscribe", {{"pattern", "a:1"}});
  f.b.publish("a:1", "x");
  json::object line = c.event();
  while (!line.contains("delivery")) line = c.event();
  c.result("ack", number_of(line));
  CHECK(feature.delivered == 1);
  CHECK(f.b.close().subscriptions.size() == 1);
}

TEST_CASE("a killed tail leaves nothing behind, and the bus goes on", "[admin]") {
  bus_with_admin f;
  std::atomic<int> got{0};
  const auto s = f.b.subscribe("a", [&](const delivery&) { ++got; });
  for (int round = 0; round < 5; ++round) {
    admin_client c = f.connect();
    c.result("tail");
    std::thread publisher([&] {
      for (int n = 0; n < 2000; ++n) f.b.publish("a", "x");
    });
    c.event();
    c.kill();
    publisher.join();
  }
  CHECK(eventually([&] { return got == 10'000; }));
  CHECK(f.b.close().clean);
}

TEST_CASE("deliveries and tails work where events have a wire", "[admin]") {
  bus_with_admin f(config_for("hub"));
  admin_client c = f.connect();
  const json::value worker = c.result("subscribe", {{"pattern", "a:{n}"}, {"group", "g"}}).at("subscription");
  const json::value tail = c.result("tail").at("subscription");
  c.result("publish", {{"topic", "a:1"}, {"data", "x"}});
  for (int n = 0; n < 2; ++n) {
    const json::object line = c.event();
    CHECK(text(line.at("event").at("data")) == "x");
    if (line.at("subscription") == worker) c.result("ack", number_of(line));
    else CHECK(line.at("subscription") == tail);
  }
  CHECK(f.b.wait_until_idle());
  CHECK(f.b.close().clean);
}

TEST_CASE("under inline dispatch a slow handler holds up only who publishes to it", "[admin]") {
  bus_with_admin f(config_for("memory").set("transport.dispatch", "inline"));
  std::atomic<bool> started{false}, go{false};
  const auto s = f.b.subscribe("slow", [&](const delivery&) {
    started = true;
    while (!go) std::this_thread::yield();
  });
  admin_client one = f.connect(), two = f.connect();
  REQUIRE(one.send("{\"id\":1,\"method\":\"publish\",\"args\":{\"topic\":\"slow\",\"data\":\"\"}}\n"));
  REQUIRE(eventually([&] { return started.load(); }));
  CHECK(two.result("inflight").as_array().size() == 1);
  go = true;
  CHECK(one.next().contains("result"));
  // And a client's own subscription is bounded by its prefetch as everywhere.
  two.result("subscribe", {{"pattern", "a"}, {"prefetch", 1}});
  for (int n = 0; n < 3; ++n) f.b.publish("a", "x");
  CHECK(two.event().at("delivery") == 1);
  two.result("topics");
  CHECK(two.others.empty());
}
