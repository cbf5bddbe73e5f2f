// on_unavailable: publishes while the transport is away.
#define POSTBUS_MODULE commuter_module
#define POSTBUS_PLUGIN_MANIFEST                    \
  R"({"version": "1.0.0", "abi": 1, "plugins": [)" \
  R"({"id": "commuter", "provides": ["postbus.transport/1"], "capabilities": ["pattern"]}]})"
#include "refusal.hpp"
#include "support/bus.hpp"
#include "support/catch.hpp"

#include <postbus/testing/manual_clock.hpp>

#include <postbus/sdk/plugin.hpp>

using namespace postbus;
using namespace postbus::tests;

namespace {

// Takes events, or is away.
class commuter {
 public:
  struct subscription {};
  static constexpr std::uint32_t can = POSTBUS_CAN_PATTERN;

  explicit commuter(sdk::context&) { now = this; }
  void publish(std::span<const postbus_out> events, sdk::publish_completion&& done) {
    tries += events.size();
    if (is_away) return done.fail(POSTBUS_E_UNAVAILABLE, "away");
    for (const postbus_out& out : events) taken += sdk::view(out.event->data);
    done.ok();
  }
  void subscribe(const postbus_sub&, const sdk::sink&, sdk::completion<subscription*>&& done) {
    done.ok(&one_);
  }
  void unsubscribe(subscription&, sdk::completion<>&& done) { done.ok(); }

  static inline commuter* now = nullptr;
  bool is_away = false;
  std::size_t tries = 0;
  std::string taken;

 private:
  subscription one_;
};

struct commuting_bus {
  testing::manual_clock clock;
  bus b{
      config_for("commuter").module(commuter_module).clock(clock).set("transport.on_unavailable", "buffer")};
  commuter& transport = *commuter::now;
  std::vector<error_code> answers;

  void publish(std::string_view data, std::chrono::nanoseconds deadline = 1min) {
    publish_options o;
    o.deadline = deadline;
    b.async_publish("a", data, o, [this](error_code ec, receipt) { answers.push_back(ec); });
    clock.run_until_idle();
  }
};

}  // namespace

TEST_CASE("with buffer, publishes wait in their order until the transport is back", "[buffering]") {
  commuting_bus c;
  c.publish("1");
  CHECK(c.answers.size() == 1);
  c.transport.is_away = true;
  for (const char* text : {"2", "3", "4"}) c.publish(text);
  c.clock.advance(10s);
  CHECK(c.answers.size() == 1);
  CHECK(c.transport.taken == "1");
  c.transport.is_away = false;
  c.clock.advance(2s);
  CHECK(c.transport.taken == "1234");
  CHECK(c.answers == std::vector<error_code>(4));
  c.publish("5");
  CHECK(c.transport.taken == "12345");
}

TEST_CASE("while the transport is away one event at a time is tried on it, ever more seldom", "[buffering]") {
  commuting_bus c;
  c.transport.is_away = true;
  for (int n = 0; n < 100; ++n) c.publish("x");
  CHECK(c.transport.tries == 1);
  c.clock.advance(1s);
  const std::size_t early = c.transport.tries;
  CHECK(early > 3);
  CHECK(early < 12);
  c.clock.advance(20s);
  CHECK(c.transport.tries - early >= 12);
  CHECK(c.transport.tries - early <= 42);
}

TEST_CASE("what waited until its deadline is answered unavailable, and the others go on", "[buffering]") {
  commuting_bus c;
  c.transport.is_away = true;
  c.publish("1", 1s);
  c.publish("2", 1min);
  c.clock.advance(1s);
  REQUIRE(c.answers.size() == 1);
  CHECK(c.answers[0] == error::unavailable);
  c.transport.is_away = false;
  c.clock.advance(2s);
  CHECK(c.transport.taken == "2");
}

TEST_CASE("when everybody gave up, the next publish sees for itself whether the transport is back",
          "[buffering]") {
  commuting_bus c;
  c.transport.is_away = true;
  c.publish("1", 1s);
  c.clock.advance(1h);
  c.transport.is_away = false;
  c.publish("2");
  CHECK(c.transport.taken == "2");
  CHECK(c.clock.pending_timers() == 0);
}

TEST_CASE("a handler does not wait for a transport that is away", "[buffering]") {
  commuting_bus c;
  c.transport.is_away = true;
  c.publish("1");
  error_code ec;
  c.b.async_publish("a", "2", [&](error_code, receipt) { c.b.publish("a", "3", {}, ec); });
  c.transport.is_away = false;
  c.clock.advance(2s);
  CHECK_FALSE(ec);  // it is back by then
  CHECK(c.transport.taken == "123");
}

TEST_CASE("with fail, a publish while the transport is away fails at once", "[buffering]") {
  testing::manual_clock clock;
  bus b(config_for("commuter").module(commuter_module).clock(clock));
  commuter::now->is_away = true;
  CHECK(refusal([&] { b.publish("a", "x"); }).code() == error::unavailable);
}

TEST_CASE("buffer and inline dispatch are refused together", "[buffering]") {
  testing::manual_clock clock;
  const error refused = refusal([&] {
    bus b(config_for("memory")
              .clock(clock)
              .set("transport.on_unavailable", "buffer")
              .set("transport.dispatch", "inline"));
  });
  CHECK(refused.code() == error::unsupported);
  CHECK(refused.wanted() == "on_unavailable = \"fail\": who waits holds no handler");
}

POSTBUS_PLUGINS(POSTBUS_PLUGIN("commuter", commuter))
