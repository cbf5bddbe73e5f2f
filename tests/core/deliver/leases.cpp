// Delivery leases: renewed for as long as a delivery is here, and what becomes of one that is lost.
#define POSTBUS_MODULE lessor_module
#define POSTBUS_PLUGIN_MANIFEST                              \
  R"({"version": "1.0.0", "abi": 1, "plugins": [)"           \
  R"({"id": "lessor", "provides": ["postbus.transport/1"],)" \
  R"( "capabilities": ["credit", "ack", "lease", "pattern", "group"]}]})"
#include "refusal.hpp"
#include "support/bus.hpp"
#include "support/catch.hpp"

#include <postbus/testing/manual_clock.hpp>

#include <postbus/sdk/plugin.hpp>

#include <future>
#include <map>

using namespace postbus;
using namespace postbus::tests;

namespace {

// Lends each event to its one subscription for as long as was asked, takes it back when it hears nothing, and lends it again when told.
class lessor {
 public:
  struct subscription {
    sdk::sink to;
    std::int64_t lease_ns = 0;
  };
  static constexpr std::uint32_t can =
      POSTBUS_CAN_CREDIT | POSTBUS_CAN_ACK | POSTBUS_CAN_LEASE | POSTBUS_CAN_PATTERN | POSTBUS_CAN_GROUP;

  explicit lessor(sdk::context& ctx) : ctx_(ctx) { now = this; }
  ~lessor() { now = nullptr; }
  void publish(std::span<const postbus_out> events, sdk::publish_completion&& done) {
    for (const postbus_out& out : events) lend(*out.event);
    done.ok();
  }
  void subscribe(const postbus_sub& request, const sdk::sink& to, sdk::completion<subscription*>&& done) {
    one_ = {to, request.lease_ns};
    lease_ns = request.lease_ns;
    done.ok(&one_);
  }
  void unsubscribe(subscription&, sdk::completion<>&& done) {
    lent_.clear();
    done.ok();
  }
  void credit(subscription&, std::uint32_t) {}
  void settle(std::span<const postbus_settle> all, sdk::settle_completion&& done) {
    std::vector<std::int32_t> answers;
    for (const postbus_settle& s : all) answers.push_back(settle(s));
    if (!away) return done.ok(std::span<const std::int32_t>(answers));
    done.fail(POSTBUS_E_UNAVAILABLE, "cut off");
  }

  // What it lent and nobody renewed in time.
  void take_back() {
    std::erase_if(lent_, [&](const auto& one) { return one.second <= ctx_.now_ns(); });
  }
  void take_back_all() { lent_.clear(); }
  std::size_t lent() const { return lent_.size(); }

  static inline lessor* now = nullptr;
  std::int64_t lease_ns = 0;
  bool away = false;
  int renewals = 0, acks = 0, releases = 0, refused = 0;

 private:
  void lend(const postbus_event& event) {
    postbus_delivery d{};
    d.event = &event;
    d.token = ++last_;
    lent_[d.token] = ctx_.now_ns() + one_.lease_ns;
    one_.to.deliver(d);
  }
  std::int32_t settle(const postbus_settle& s) {
    if (away) return POSTBUS_E_UNAVAILABLE;
    const auto found = lent_.find(s.token);
    if (found == lent_.end()) return ++refused, POSTBUS_E_CONFLICT;
    if (s.what == POSTBUS_EXTEND) {
      ++renewals;
      found->second = ctx_.now_ns() + s.value_ns;
    } else if (s.what != POSTBUS_FAILED) {
      ++(s.what == POSTBUS_ACK ? acks : releases);
      lent_.erase(found);
    }
    return POSTBUS_OK;
  }

  sdk::context& ctx_;
  subscription one_;
  std::map<std::uint64_t, std::int64_t> lent_;  // until when
  std::uint64_t last_ = 0;
};

struct leased_bus {
  testing::manual_clock clock;
  bus b{config_for("lessor").module(lessor_module).clock(clock)};
  lessor& transport = *lessor::now;

  // Time passes, and the transport looks at its leases often.
  void pass(std::chrono::seconds time) {
    for (auto left = time; left.count() > 0; left -= 1s) {
      clock.advance(1s);
      transport.take_back();
    }
  }
};

// All events are in one lane, which the first one holds until it is answered.
struct held_lane {
  explicit held_lane(bus& b)
      : s(b.subscribe(
            "a",
            [this](const delivery& d) {
              seen.emplace_back(d.text());
              if (d.text() == "first") first = d.defer();
            },
            options())) {}
  static subscribe_options options() {
    subscribe_options o;
    o.lease = 6s;
    o.ordered_by = "header:lane";
    return o;
  }

  std::vector<std::string> seen;
  settlement first;
  subscription s;
};

}  // namespace

TEST_CASE("a lease is renewed while its handler works, and the event stays with it", "[leases]") {
  leased_bus l;
  settlement kept;
  subscribe_options o;
  o.lease = 6s;
  const auto s = l.b.subscribe(
      "a", [&](const delivery& d) { kept = d.defer(); }, o);
  l.b.publish("a", "x");
  l.pass(60s);
  CHECK(l.transport.lease_ns == 6'000'000'000);
  CHECK(l.transport.lent() == 1);
  CHECK(l.transport.renewals == 30);
  CHECK_FALSE(kept.stop_requested());
  kept.ack();
  CHECK(l.transport.acks == 1);
  l.pass(60s);
  CHECK(l.transport.renewals == 30);
  CHECK(l.transport.refused == 0);
}

TEST_CASE("a lease is renewed while its event is queued, and while it waits for a retry", "[leases]") {
  leased_bus l;
  subscribe_options o;
  o.lease = 3s;
  o.backoff = {100s, 1, 100s};
  settlement first;
  int calls = 0;
  o.ordered_by = "header:lane";  // both are in the lane without a key
  const auto s = l.b.subscribe(
      "a",
      [&](const delivery& d) {
        if (++calls == 1) first = d.defer();
      },
      o);
  l.b.publish("a", "runs");
  l.b.publish("a", "stands behind it");
  l.pass(30s);
  CHECK(l.transport.lent() == 2);
  first.retry(100s);
  l.pass(99s);
  CHECK(l.transport.lent() == 2);
  CHECK(calls == 1);
  l.pass(1s);
  CHECK(calls == 3);
  CHECK(l.transport.acks == 2);
  CHECK(l.transport.refused == 0);
}

TEST_CASE("who works on an event whose lease is lost is asked to stop, and its answer is lease_lost",
          "[leases]") {
  leased_bus l;
  subscribe_options o;
  o.lease = 6s;
  settlement kept;
  const auto s = l.b.subscribe(
      "a", [&](const delivery& d) { kept = d.defer(); }, o);
  l.b.publish("a", "x");
  l.clock.run_until_idle();
  SECTION("because the transport says so") { l.transport.take_back_all(); }
  SECTION("because nothing reached the transport in time") { l.transport.away = true; }
  CHECK_FALSE(kept.stop_requested());
  l.clock.advance(6s);
  CHECK(kept.stop_requested());
  error_code ec;
  kept.ack(ec);
  CHECK(ec == error::lease_lost);
  CHECK(s.counts().acked == 0);
  CHECK(s.counts().given_back == 1);
  CHECK(sum(s.counts()) == s.counts().taken_on);
  CHECK(l.transport.acks + l.transport.releases == 0);
}

TEST_CASE("an event whose lease is lost before its handler starts is not started here", "[leases]") {
  leased_bus l;
  held_lane lane(l.b);
  l.b.publish("a", "first");
  l.b.publish("a", "second");
  l.clock.run_until_idle();
  l.transport.take_back_all();
  l.clock.advance(2s);  // the next renewal is refused
  lane.first = {};
  l.b.publish("a", "third");
  l.clock.run_until_idle();
  CHECK(lane.seen == std::vector<std::string>{"first", "third"});
  CHECK(lane.s.counts().given_back == 2);
  CHECK(sum(lane.s.counts()) == lane.s.counts().taken_on);
  CHECK(l.transport.refused == 2);  // the renewals, and nothing after them
}

TEST_CASE("an event whose lease lapsed between two renewals is not started", "[leases]") {
  leased_bus l;
  held_lane lane(l.b);
  l.b.publish("a", "first");  // renewals are due every 2 s from here
  l.clock.advance(3s);
  lane.first.extend(60s);
  l.transport.away = true;
  l.b.publish("a", "second");  // good until 9 s
  l.clock.advance(1s);         // nothing is renewed at 4, 6 and 8 s
  const auto lapses_at = [&](std::chrono::milliseconds left) {
    l.clock.advance(5s - left);
    lane.first.ack();
    l.clock.run_until_idle();
    return lane.seen.size() == 1;
  };
  SECTION("it had a moment left") { CHECK_FALSE(lapses_at(1ms)); }
  SECTION("it had none") { CHECK(lapses_at(0ms)); }
}

TEST_CASE("a plain handler that loses its lease while it runs does not settle", "[leases]") {
  leased_bus l;
  subscribe_options o;
  o.lease = 6s;
  bool asked = false;
  const auto s = l.b.subscribe(
      "a",
      [&](const delivery& d) {
        l.transport.take_back_all();
        l.clock.advance(2s);
        asked = d.stop_requested();
      },
      o);
  l.b.publish("a", "x");
  l.clock.run_until_idle();
  CHECK(asked);
  CHECK(s.counts().acked == 0);
  CHECK(s.counts().given_back == 1);
  CHECK(l.transport.acks == 0);
}

TEST_CASE("extend() leases it for longer, and says when it is lost", "[leases]") {
  leased_bus l;
  subscribe_options o;
  o.lease = 6s;
  settlement kept;
  const auto s = l.b.subscribe(
      "a", [&](const delivery& d) { kept = d.defer(); }, o);
  l.b.publish("a", "x");
  l.clock.run_until_idle();
  kept.extend(60s);
  CHECK(l.transport.renewals == 1);
  l.transport.away = true;
  l.pass(50s);
  CHECK(l.transport.lent() == 1);
  CHECK_FALSE(kept.stop_requested());
  l.transport.away = false;
  l.transport.take_back_all();
  l.pass(10s);
  REQUIRE(kept.stop_requested());
  CHECK_THROWS_AS(kept.extend(60s), error);
  CHECK_THROWS_AS(kept.extend(1ms), error);
}

TEST_CASE("a lease of less than a second is refused; a transport without leases takes any other",
          "[leases]") {
  bus b(config_for("memory"));
  subscribe_options o;
  o.lease = 999ms;
  const error refused = refusal([&] {
    (void)b.subscribe(
        "a", [](const delivery&) {}, o);
  });
  CHECK(refused.code() == error::bad_argument);
  CHECK(refused.wanted() == "1 s or more");
  o.lease = 1s;
  CHECK_NOTHROW(b.subscribe(
      "a", [](const delivery&) {}, o));
}

TEST_CASE("inline dispatch is refused where leases are to be renewed", "[leases]") {
  testing::manual_clock clock;
  const error refused = refusal([&] {
    bus b(config_for("lessor").module(lessor_module).clock(clock).set("transport.dispatch", "\"inline\""));
    (void)b.subscribe("a", [](const delivery&) {});
  });
  CHECK(refused.code() == error::unsupported);
}

TEST_CASE("async_ack completes when the transport has the ack, or says why not", "[leases]") {
  leased_bus l;
  settlement kept;
  const auto s = l.b.subscribe("a", [&](const delivery& d) { kept = d.defer(); });
  l.b.publish("a", "x");
  l.clock.run_until_idle();
  std::optional<error_code> answer;
  const auto told = [&](error_code ec) { answer = ec; };
  SECTION("it has it") {
    kept.async_ack(told);
    CHECK_FALSE(answer);
    CHECK(l.transport.acks == 1);
    l.clock.run_until_idle();
    REQUIRE(answer);
    CHECK_FALSE(*answer);
    std::promise<error_code> second;  // on the system's executor, for the bus may be gone by then
    kept.async_ack([&](error_code ec) { second.set_value(ec); });
    CHECK(second.get_future().get() == error::already_settled);
  }
  SECTION("others have the event") {
    l.transport.take_back_all();
    kept.async_ack(told);
    l.clock.run_until_idle();
    REQUIRE(answer);
    CHECK(*answer == error::lease_lost);
  }
  SECTION("it is away") {
    l.transport.away = true;
    kept.async_ack(told);
    l.clock.run_until_idle();
    REQUIRE(answer);
    CHECK(*answer == error::unavailable);
  }
}

TEST_CASE("async_ack on a transport that settles nothing completes at once", "[leases]") {
  testing::manual_clock clock;
  bus b(config_for("memory").clock(clock));
  settlement kept;
  const auto s = b.subscribe("a", [&](const delivery& d) { kept = d.defer(); });
  b.publish("a", "x");
  clock.run_until_idle();
  std::optional<error_code> answer;
  kept.async_ack([&](error_code ec) { answer = ec; });
  clock.run_until_idle();
  REQUIRE(answer);
  CHECK_FALSE(*answer);
  CHECK(s.counts().acked == 1);
}

POSTBUS_PLUGINS(POSTBUS_PLUGIN("lessor", lessor))
