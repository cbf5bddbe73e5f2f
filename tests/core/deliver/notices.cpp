// What a subscription is told besides its deliveries, and what is discarded where nothing holds the sender back.
#define POSTBUS_MODULE notice_puppets
#include "puppet.hpp"
#include "refusal.hpp"

using namespace postbus;
using namespace postbus::tests;

namespace {

// Sends what it is told to, to whoever subscribed last, without asking for credit.
class flood {
 public:
  struct subscription {
    sdk::sink to;
  };
  static constexpr std::uint32_t can = POSTBUS_CAN_PATTERN;

  explicit flood(sdk::context& ctx) : ctx_(ctx) {}
  void publish(std::span<const postbus_out> events, sdk::publish_completion&& done) {
    for (const postbus_out& out : events) {
      postbus_delivery d{};
      d.event = out.event;
      last_.to.deliver(d);
    }
    done.ok();
  }
  static constexpr bool answers_at_once = true;
  void subscribe(const postbus_sub& request, const sdk::sink& to, sdk::completion<subscription*>&& done) {
    CHECK(request.credit == POSTBUS_CREDIT_UNLIMITED);
    last_.to = to;
    done.ok(&last_);
  }
  void unsubscribe(subscription&, sdk::completion<>&& done) { done.ok(); }

 private:
  sdk::context& ctx_;
  subscription last_;
};

struct flooded_bus {
  testing::manual_clock clock;
  bus b{config_for("flood").module(notice_puppets).clock(clock)};
};

subscribe_options at_most(std::uint64_t events, std::uint64_t bytes = 1'000'000) {
  subscribe_options o;
  o.overflow_max = {events, bytes};
  return o;
}

}  // namespace

TEST_CASE("on_notice is called in order with the deliveries", "[notices]") {
  testing::manual_clock clock;
  bus b(config_for("puppet").module(notice_puppets).set("transport.codec", "raw").clock(clock));
  std::string order;
  std::vector<notice> told;
  subscribe_options o;
  o.on_notice = [&](const notice& n) {
    order += "!";
    told.push_back(n);
  };
  const auto s = b.subscribe(
      "a", [&](const delivery& d) { order += d.text(); }, o);
  b.call("puppet.deliver", "1");
  b.call("puppet.gap");
  b.call("puppet.deliver", "2");
  b.call("puppet.ended");
  CHECK(order.empty());
  clock.run_until_idle();
  CHECK(order == "1!2!");
  REQUIRE(told.size() == 2);
  CHECK(told[0].what == notice::gap);
  CHECK(told[0].missed == 3);
  CHECK(told[1].what == notice::ended);
  CHECK(told[1].reason == "no permission");
}

TEST_CASE("what on_notice throws is logged, and deliveries go on", "[notices]") {
  testing::manual_clock clock;
  std::string log;
  bus b(config_for("puppet")
            .module(notice_puppets)
            .set("transport.codec", "raw")
            .set("log.level", "warn")
            .log_to([&](const log_line& l) { log.append(l.message).append("\n"); })
            .clock(clock));
  int calls = 0;
  subscribe_options o;
  o.on_notice = [](const notice&) { throw std::runtime_error("out of order"); };
  const auto s = b.subscribe(
      "a", [&](const delivery&) { ++calls; }, o);
  b.call("puppet.gap");
  b.call("puppet.deliver", "1");
  clock.run_until_idle();
  CHECK(calls == 1);
  CHECK(log.find("on_notice of 'a' threw: out of order") != std::string::npos);
}

TEST_CASE("without flow control the oldest are discarded past overflow_max, counted and told once",
          "[notices]") {
  flooded_bus f;
  std::string order;
  std::vector<notice> told;
  subscribe_options o = at_most(3);
  o.on_notice = [&](const notice& n) {
    order += "!";
    told.push_back(n);
  };
  const auto s = f.b.subscribe(
      "a", [&](const delivery& d) { order += d.text(); }, o);
  for (int n = 1; n <= 8; ++n) f.b.publish("a", std::to_string(n));
  f.clock.run_until_idle();
  CHECK(order == "!678");
  REQUIRE(told.size() == 1);
  CHECK(told[0].what == notice::overflow);
  CHECK(told[0].missed == 5);
  CHECK(s.counts().discarded == 5);
  CHECK(s.counts().acked == 3);
  CHECK(sum(s.counts()) == s.counts().taken_on);
  CHECK(f.b.wait_until_idle(1s));
}

TEST_CASE("or the newest, where the subscription says so", "[notices]") {
  flooded_bus f;
  std::string order;
  subscribe_options o = at_most(3);
  o.overflow = overflow_policy::discard_newest;
  const auto s = f.b.subscribe(
      "a", [&](const delivery& d) { order += d.text(); }, o);
  for (int n = 1; n <= 8; ++n) f.b.publish("a", std::to_string(n));
  f.clock.run_until_idle();
  CHECK(order == "123");
  CHECK(s.counts().discarded == 5);
}

TEST_CASE("overflow_max counts bytes too", "[notices]") {
  flooded_bus f;
  const auto s = f.b.subscribe(
      "a", [](const delivery&) {}, at_most(1'000, 250));
  for (int n = 0; n < 8; ++n) f.b.publish("a", std::string(100, 'x'));
  f.clock.run_until_idle();
  CHECK(s.counts().acked == 2);
  CHECK(s.counts().discarded == 6);
}

TEST_CASE("an order by key is kept under overflow", "[notices]") {
  flooded_bus f;
  std::string order;
  subscribe_options o = at_most(4);
  o.ordered_by = "partitionkey";
  const auto s = f.b.subscribe(
      "a", [&](const delivery& d) { order += d.text(); }, o);
  publish_options p;
  p.key = "k";
  for (int round = 0; round < 2; ++round) {
    for (int n = 1; n <= 6; ++n) f.b.publish("a", std::to_string(n), p);
    f.clock.run_until_idle();
  }
  CHECK(order == "34563456");
  CHECK(s.counts().discarded == 4);
}

TEST_CASE("where there is flow control an overflow policy is refused", "[notices]") {
  testing::manual_clock clock;
  bus b(config_for("memory").clock(clock));
  subscribe_options o;
  o.overflow = overflow_policy::discard_newest;
  const error e = refusal([&] {
    (void)b.subscribe(
        "a", [](const delivery&) {}, o);
  });
  CHECK(e.code() == error::unsupported);
  CHECK(e.wanted().find("has flow control") != std::string::npos);
}

#undef POSTBUS_PLUGIN_MANIFEST
#define POSTBUS_PLUGIN_MANIFEST                                                                                                 \
  R"({"version": "1.0.0", "abi": 1, "plugins": [)"                                                                              \
  R"({"id": "puppet", "provides": ["postbus.transport/1", "postbus.control/1"], "capabilities": ["credit", "ack", "pattern"],)" \
  R"( "methods": ["garble", "deliver", "gap", "ended"]},)"                                                                      \
  R"({"id": "flood", "provides": ["postbus.transport/1"], "capabilities": ["pattern"]}]})"
POSTBUS_PLUGINS(POSTBUS_PLUGIN("puppet", puppet), POSTBUS_PLUGIN("flood", flood))
