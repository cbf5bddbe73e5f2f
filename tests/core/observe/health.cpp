// Health: what each part says of itself, what it answers when asked, and what the bus makes of it.
#define POSTBUS_MODULE test_health_module
#include "observe/health.hpp"

#include "puppet.hpp"
#include "refusal.hpp"
#include "text/json.hpp"

#include <boost/asio/io_context.hpp>

using namespace postbus;
using namespace postbus::tests;

PUPPETS

namespace {

component_health part(const health& h, std::string_view name) {
  for (const component_health& c : h.components)
    if (c.name == name) return c;
  FAIL("there is no component " << name);
  return {};
}

std::int64_t seconds(const component_health& c) {
  const std::int64_t start = 1'767'225'600;
  return std::chrono::duration_cast<std::chrono::seconds>(c.since.time_since_epoch()).count() - start;
}

struct bus_with_health {
  testing::manual_clock clock;
  bus b;
  explicit bus_with_health(config c = config_for("memory").feature("mood"))
      : b(c.module(test_health_module).clock(clock)) {
    mood::answer = "{}";
  }
};

}  // namespace

TEST_CASE("latency has a word, and so has a state", "[health]") {
  CHECK(latency_class(999us) == "excellent");
  CHECK(latency_class(1ms) == "good");
  CHECK(latency_class(5ms) == "acceptable");
  CHECK(latency_class(20ms) == "poor");
  CHECK(latency_class(100ms) == "critical");
  CHECK(to_string(health_state::degraded) == "degraded");
}

TEST_CASE("a part that is not required makes the bus degraded at most", "[health]") {
  std::vector<component_health> parts(2);
  CHECK(detail::worst_of(parts) == health_state::healthy);
  parts[0].state = health_state::error;
  parts[0].required = false;
  CHECK(detail::worst_of(parts) == health_state::degraded);
  parts[1].state = health_state::unhealthy;
  CHECK(detail::worst_of(parts) == health_state::unhealthy);
}

TEST_CASE("the parts of a bus are there from its start, healthy", "[health]") {
  bus_with_health t;
  const health h = t.b.health();
  CHECK(h.state == health_state::healthy);
  CHECK(h.live);
  CHECK(h.ready);
  REQUIRE(h.components.size() == 3);
  CHECK(h.components[0].name == "bus");
  CHECK(h.components[0].plugin.empty());
  CHECK(part(h, "transport.default").plugin == "memory");
  CHECK(part(h, "feature.mood").plugin == "mood");
  CHECK(part(h, "feature.mood").latency == 0ns);
  CHECK_FALSE(part(h, "bus").latency);
}

TEST_CASE("a state has reason, remedy and since, which only a change of the state moves", "[health]") {
  bus_with_health t;
  t.clock.advance(10s);
  t.b.call("mood.feel", "tired");
  t.clock.advance(10s);
  t.b.call("mood.feel", "very tired");
  const health h = t.b.health();
  const component_health mood = part(h, "feature.mood");
  CHECK(mood.state == health_state::degraded);
  CHECK(mood.reason == "very tired");
  CHECK(mood.remedy == "a day off");
  CHECK(seconds(mood) == 10);
  CHECK(h.state == health_state::degraded);
  CHECK(h.ready);
  t.clock.advance(10s);
  t.b.call("mood.feel", "well");
  CHECK(part(t.b.health(), "feature.mood").state == health_state::healthy);
  CHECK(part(t.b.health(), "feature.mood").reason.empty());
  CHECK(seconds(part(t.b.health(), "feature.mood")) == 30);
}

TEST_CASE("what a plugin answers when asked comes before what it said, and its facts come along",
          "[health]") {
  bus_with_health t;
  t.clock.advance(10s);
  mood::answer = R"({"state":"error","reason":"no coffee","remedy":"buy some","cups":3})";
  component_health mood = part(t.b.health(), "feature.mood");
  CHECK(mood.state == health_state::error);
  CHECK(mood.reason == "no coffee");
  CHECK(mood.remedy == "buy some");
  CHECK(mood.facts == mood::answer);
  CHECK(seconds(mood) == 10);
  CHECK_FALSE(t.b.health().ready);
  t.clock.advance(10s);
  mood::answer = R"({"cups":4})";
  mood = part(t.b.health(), "feature.mood");
  CHECK(mood.state == health_state::healthy);
  CHECK(seconds(mood) == 20);
}

TEST_CASE("a plugin that does not answer, refuses, or answers nonsense is unhealthy and says so",
          "[health]") {
  bus_with_health t;
  const auto reason = [&](const char* answer) {
    mood::answer = answer;
    const health h = t.b.health(250ms);
    const component_health mood = part(h, "feature.mood");
    CHECK(mood.state == health_state::unhealthy);
    CHECK(mood.facts.find("nonsense") == std::string::npos);
    CHECK(h.state == health_state::unhealthy);
    CHECK_FALSE(h.ready);
    return mood.reason;
  };
  CHECK(reason("held") == "does not answer within 250 ms");
  CHECK(reason("fail") == "says: no pulse");
  CHECK(has(reason("nonsense"), "answers no JSON object: nonsense"));
  CHECK(has(reason("[1]"), "answers no JSON object"));
  CHECK(has(reason(R"({"state":"merry"})"), "a state that there is not"));
}

TEST_CASE("a plugin that does not come back holds up nobody, and is not asked again before it did",
          "[health]") {
  bus b(config_for("memory").feature("mood").module(test_health_module));
  mood::answer = "block";
  mood::go = mood::entered = false;
  const auto reason = [&] { return part(b.health(20ms), "feature.mood").reason; };
  CHECK(reason() == "does not answer within 20 ms");
  REQUIRE(eventually([] { return mood::entered.load(); }));
  CHECK(has(reason(), "has not come back from health, asked "));
  CHECK(b.health(20ms).live);
  auto s = b.subscribe("a", [](const delivery&) {});
  s.unsubscribe();  // needs a grace period of all who are inside the bus
  mood::go = true;
  CHECK(eventually([&] { return part(b.health(deadline), "feature.mood").state == health_state::healthy; }));
  mood::answer = "{}";
  CHECK(b.close().clean);
}

TEST_CASE("the memory transport says what it holds, and which queue is full", "[health]") {
  bus_with_health t(config_for("memory").set("transport.queue_max", "3"));
  subscribe_options options;
  options.group = "g\"1\"";
  options.prefetch = 1;
  const auto one = t.b.subscribe(
      "a:*", [](const delivery&) {}, options);
  const auto two = t.b.subscribe("b", [](const delivery&) {});
  publish_options at_once;
  at_once.deadline = 0s;
  error_code ec;
  while (!ec) t.b.publish("a:b", "12345", at_once, ec);
  const component_health memory = part(t.b.health(), "transport.default");
  const detail::json::value facts = detail::json::parse(memory.facts);
  CHECK(facts.at("subscriptions") == 2);
  CHECK(facts.at("groups") == 1);
  CHECK(facts.at("queued_events") == 3);
  CHECK(facts.at("queued_bytes") == 15);
  CHECK(memory.state == health_state::degraded);
  CHECK(memory.reason == "the queue of 'a:*' of group 'g\"1\"' is full");
  CHECK_FALSE(memory.remedy.empty());
  t.clock.run_until_idle();
  CHECK(part(t.b.health(), "transport.default").state == health_state::healthy);
}

TEST_CASE("health from a handler is refused", "[health]") {
  bus_with_health t;
  error_code ec;
  const auto s = t.b.subscribe("a", [&](const delivery&) {
    try {
      t.b.health();
    } catch (const error& e) {
      ec = e.code();
    }
  });
  t.b.publish("a", "x");
  t.clock.run_until_idle();
  CHECK(ec == error::would_block);
}

TEST_CASE("a closed bus is not ready, and says that it is closed", "[health]") {
  bus_with_health t;
  t.b.close();
  const health h = t.b.health();
  CHECK_FALSE(h.ready);
  CHECK(h.state == health_state::error);
  CHECK(part(h, "bus").reason == "it is closed");
}

TEST_CASE("a bus that is closing is not ready", "[health]") {
  bus b(config_for("memory").feature("mood").module(test_health_module));
  mood::answer = "{}";
  std::atomic<bool> started{false}, go{false};
  const auto s = b.subscribe("a", [&](const delivery&) {
    started = true;
    while (!go) std::this_thread::yield();
  });
  b.publish("a", "x");
  REQUIRE(eventually([&] {
    return started.load();
  }));  // what has not begun would be given back, and the bus be closed at once
  std::thread closing([&] { b.close(); });
  CHECK(eventually([&] { return part(b.health(), "bus").reason == "it is closing"; }));
  CHECK_FALSE(b.health().ready);
  go = true;
  closing.join();
}

TEST_CASE("a bus whose workers are all inside handlers is alive", "[health]") {
  bus b(config_for("memory").threads(1));
  std::atomic<bool> started{false}, go{false};
  const auto s = b.subscribe("a", [&](const delivery&) {
    started = true;
    while (!go) std::this_thread::yield();
  });
  CHECK(b.health().live);
  b.publish("a", "x");
  REQUIRE(eventually([&] { return started.load(); }));
  CHECK(b.health(20ms).live);
  go = true;
}

TEST_CASE("a bus whose executor nobody runs is not alive, and not ready", "[health]") {
  boost::asio::io_context io;
  bus b(config_for("memory").threads(0), io.get_executor());
  const health h = b.health(20ms);
  CHECK_FALSE(h.live);
  CHECK_FALSE(h.ready);
  CHECK(part(h, "bus").state == health_state::unhealthy);
  CHECK(has(part(h, "bus").reason, "within 20 ms"));
  std::thread runner([&] {
    const auto work = boost::asio::make_work_guard(io);
    io.run();
  });
  CHECK(b.health(deadline).live);
  CHECK(b.health(deadline).ready);
  b.close();
  io.stop();
  runner.join();
}
