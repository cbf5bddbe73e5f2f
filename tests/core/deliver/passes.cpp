// Features that set items aside, take back what they let by, and hear how it ended.
#define POSTBUS_MODULE passes_module
#define POSTBUS_PLUGIN_MANIFEST                                                                                            \
  R"({"version": "1.0.0", "abi": 1, "plugins": [)"                                                                         \
  R"({"id": "gate", "provides": ["postbus.interceptor/1"], "verdicts": ["hold", "park"], "requires": ["postbus.flow/1"],)" \
  R"( "reasons": ["no", "lapsed", "paused"]},)"                                                                            \
  R"({"id": "witness", "provides": ["postbus.interceptor/1"]},)"                                                           \
  R"({"id": "liar", "provides": ["postbus.interceptor/1"]}]})"
#include "refusal.hpp"
#include "support/bus.hpp"
#include "support/catch.hpp"

#include <postbus/testing/manual_clock.hpp>

#include <postbus/sdk/plugin.hpp>

#include <mutex>
#include <set>

using namespace postbus;
using namespace postbus::tests;

namespace {

// Answers by the data's first letter: 'h' holds, 'p' parks, 'n' holds and resumes at once, 'k' holds and parks at once; all others pass.
class gate {
 public:
  explicit gate(sdk::context& ctx)
      : running_(ctx.service<postbus_inflight>("postbus.inflight/1", &running_self_)), flow_(ctx) {
    now = this;
  }
  std::size_t request_stop(std::uint64_t ticket) {
    const std::string text = std::to_string(ticket);
    const postbus_pair where{{}, sdk::str(text)};
    return running_->request_stop(running_self_, &where, 1, {});
  }
  std::vector<std::uint64_t> listed() {
    std::vector<std::uint64_t> all;
    running_->list(
        running_self_, nullptr, 0,
        [](void* to, const postbus_work* w) { static_cast<decltype(all)*>(to)->push_back(w->ticket); }, &all);
    std::sort(all.begin(), all.end());
    return all;
  }
  sdk::verdict on_publish(sdk::item& i) {
    return i.data().starts_with("H") ? keep(i, sdk::verdict::hold) : sdk::verdict::pass;
  }
  sdk::verdict on_deliver(sdk::item& i) {
    ++shown;
    if (during) during();
    if (is_open || i.data().empty()) return i.memo() = 7, sdk::verdict::pass;
    if (i.data()[0] == 'n') {
      flow_.resume(i.ticket(), sdk::verdict::pass);
      return sdk::verdict::hold;
    }
    if (i.data()[0] == 'k') {
      flow_.resume(i.ticket(), sdk::verdict::park);
      return keep(i, sdk::verdict::hold);
    }
    if (i.data()[0] == 'h') return keep(i, sdk::verdict::hold);
    if (i.data()[0] == 'p') return keep(i, sdk::verdict::park);
    return i.memo() = 7, sdk::verdict::pass;
  }
  sdk::verdict on_settled(sdk::item& i) {
    outcomes.emplace_back(i.outcome());
    memos.push_back(i.memo());
    if (i.outcome() == POSTBUS_ACK && i.data().ends_with("lapsed") && !refused_once) {
      refused_once = true;
      return i.reject(1);
    }
    if (i.data().ends_with("held") && i.outcome() == POSTBUS_ACK) return keep(i, sdk::verdict::hold);
    return sdk::verdict::pass;
  }
  void resume(sdk::verdict v = sdk::verdict::pass, std::uint32_t reason = 0) {
    std::vector<std::uint64_t> all;
    {
      const std::lock_guard lock(mutex);
      all.swap(kept);
    }
    for (const std::uint64_t t : all) flow_.resume(t, v, reason);
  }
  void park() {
    const std::lock_guard lock(mutex);
    for (const std::uint64_t t : kept) flow_.resume(t, sdk::verdict::park);
  }
  void recall() { flow_.recall(); }

  static inline gate* now = nullptr;
  std::mutex mutex;
  std::vector<std::uint64_t> kept;
  std::vector<std::int32_t> outcomes;
  std::vector<std::uint64_t> memos;
  std::function<void()> during;
  bool is_open = false, refused_once = false;
  int shown = 0;

 private:
  void* running_self_ = nullptr;
  const postbus_inflight* running_;
  sdk::verdict keep(sdk::item& i, sdk::verdict v) {
    const std::lock_guard lock(mutex);
    kept.push_back(i.ticket());
    return v;
  }
  sdk::flow flow_;
};

// Lets everything by, and hears everything.
class witness {
 public:
  explicit witness(sdk::context&) { now = this; }
  sdk::verdict on_publish(sdk::item& i) {
    causes.push_back(i.cause());
    saw(i);
    return i.memo() = ++published, sdk::verdict::pass;
  }
  sdk::verdict on_deliver(sdk::item& i) {
    saw(i);
    return i.memo() = i.attempt() + 1, tickets.push_back(i.ticket()), sdk::verdict::pass;
  }
  void on_published(sdk::item& i) { heard.emplace_back(i.outcome(), i.memo()); }
  sdk::verdict on_settled(sdk::item& i) {
    saw(i);
    return settled.emplace_back(i.outcome(), i.memo()), sdk::verdict::pass;
  }

  // Whose it is, and whether its transport has groups.
  void saw(const sdk::item& i) {
    const postbus_subscriber* who = i.subscriber();
    whose += who == nullptr ? "nobody"
                            : std::to_string(who->number) + "=" + std::string(sdk::view(who->pattern)) + "/" +
                                  std::string(sdk::view(who->group));
    whose += i.transport_can(POSTBUS_CAN_GROUP) ? "+ " : " ";
  }

  static inline witness* now = nullptr;
  std::string whose;
  std::uint64_t published = 0;
  std::vector<std::uint64_t> causes, tickets;
  std::vector<std::pair<std::int32_t, std::uint64_t>> heard, settled;
};

// Holds without having said that it might.
class liar {
 public:
  explicit liar(sdk::context&) {}
  sdk::verdict on_deliver(sdk::item&) { return sdk::verdict::hold; }
};

struct gated_bus {
  testing::manual_clock clock;
  bus b;
  std::string seen;

  explicit gated_bus(std::initializer_list<std::string_view> features = {"gate"})
      : b([&] {
          config c = config_for("memory").module(passes_module).clock(clock);
          for (const std::string_view f : features) c.feature(f);
          return c;
        }()) {}
  subscription subscribe(subscribe_options o = {}) {
    return b.subscribe(
        "a", [this](const delivery& d) { seen += d.text().back(); }, o);
  }
};

constexpr auto ack = std::int32_t{POSTBUS_ACK};

}  // namespace

TEST_CASE("HOLD keeps the order: nothing behind the item starts before it", "[passes]") {
  gated_bus g;
  const auto s = g.subscribe();
  for (const char* text : {"-1", "h2", "-3", "-4"}) g.b.publish("a", text);
  g.clock.run_until_idle();
  CHECK(g.seen == "1");
  gate::now->resume();
  g.clock.run_until_idle();
  CHECK(g.seen == "1234");
  CHECK(gate::now->outcomes == std::vector<std::int32_t>(4, ack));
  CHECK(s.counts().acked == 4);
}

TEST_CASE("PARK lets the others go on; what is resumed comes in the order given", "[passes]") {
  gated_bus g;
  subscribe_options o;
  o.prefetch = 2;  // parked ones give their credit back
  const auto s = g.subscribe(o);
  for (const char* text : {"p1", "-2", "p3", "p4", "-5"}) g.b.publish("a", text);
  g.clock.run_until_idle();
  CHECK(g.seen == "25");
  gate::now->resume();
  g.clock.run_until_idle();
  CHECK(g.seen == "25134");
  CHECK(s.counts().acked == 5);
}

TEST_CASE("an item that is parked leaves its lane, and joins it again", "[passes]") {
  gated_bus g;
  subscribe_options o;
  o.ordered_by = "partitionkey";
  const auto s = g.subscribe(o);
  publish_options k;
  k.key = "k";
  for (const char* text : {"p1", "-2", "h3", "-4"}) g.b.publish("a", text, k);
  g.b.publish("a", "-x");
  g.clock.run_until_idle();
  CHECK(g.seen == "x2");  // 3 holds the lane of k, and no other
  gate::now->resume();
  g.clock.run_until_idle();
  CHECK(g.seen.size() == 5);
  CHECK(g.seen.find('3') < g.seen.find('4'));
  CHECK(s.counts().acked == 5);
}

TEST_CASE("what is held may be parked: the others go on, its credit is back, and it waits still",
          "[passes]") {
  gated_bus g;
  subscribe_options o;
  o.prefetch = 1;
  SECTION("later") {
    const auto s = g.subscribe(o);
    for (const char* text : {"h1", "-2", "-3"}) g.b.publish("a", text);
    g.clock.run_until_idle();
    CHECK(g.seen.empty());
    gate::now->park();
    g.clock.run_until_idle();
    CHECK(g.seen == "23");
    gate::now->park();  // which it is
    gate::now->resume();
    g.clock.run_until_idle();
    CHECK(g.seen == "231");
    CHECK(s.counts().acked == 3);
  }
  SECTION("before the feature has answered") {
    const auto s = g.subscribe(o);
    for (const char* text : {"k1", "-2"}) g.b.publish("a", text);
    g.clock.run_until_idle();
    CHECK(g.seen == "2");
    gate::now->resume();
    g.clock.run_until_idle();
    CHECK(g.seen == "21");
  }
  SECTION("in a lane, which it leaves") {
    o.prefetch = 8;
    o.ordered_by = "partitionkey";
    const auto s = g.subscribe(o);
    publish_options k;
    k.key = "k";
    for (const char* text : {"h1", "-2"}) g.b.publish("a", text, k);
    g.clock.run_until_idle();
    CHECK(g.seen.empty());
    gate::now->park();
    g.clock.run_until_idle();
    CHECK(g.seen == "2");
    gate::now->resume();
    g.clock.run_until_idle();
    CHECK(g.seen == "21");
  }
  SECTION("until the subscription ends") {
    auto s = g.subscribe(o);
    g.b.publish("a", "h1");
    g.clock.run_until_idle();
    gate::now->park();
    s.unsubscribe();
    g.clock.run_until_idle();
    CHECK(gate::now->outcomes == std::vector<std::int32_t>{POSTBUS_RELEASE});
  }
}

TEST_CASE("an item says whose delivery it is, and what the transport can that it came over", "[passes]") {
  gated_bus g({"witness"});
  subscribe_options o;
  o.group = "g";
  const auto first = g.subscribe(), second = g.subscribe(o);
  g.b.publish("a", "x");
  g.clock.run_until_idle();
  std::string number;
  for (const char c : witness::now->whose.substr(witness::now->whose.find(' ') + 1))
    if (c == '=') break;
    else number += c;
  const std::string one = number + "=a/", other = std::to_string(std::stoull(number) + 1) + "=a/g";
  CHECK(witness::now->whose == "nobody+ " + one + "+ " + one + " " + other + "+ " + other + " ");
}

TEST_CASE("a verdict may come before the feature has answered", "[passes]") {
  gated_bus g;
  const auto s = g.subscribe();
  for (const char* text : {"n1", "-2"}) g.b.publish("a", text);
  g.clock.run_until_idle();
  CHECK(g.seen == "12");
}

TEST_CASE("the verdict for an item that was set aside may be any", "[passes]") {
  gated_bus g;
  const auto s = g.subscribe();
  g.b.publish("a", GENERATE("h1", "p1"));
  g.clock.run_until_idle();
  SECTION("drop") {
    gate::now->resume(sdk::verdict::drop);
    g.clock.run_until_idle();
    CHECK(s.counts().dropped == 1);
    CHECK(gate::now->outcomes == std::vector<std::int32_t>{POSTBUS_DROPPED});
  }
  SECTION("reject") {
    gate::now->resume(sdk::verdict::reject);
    g.clock.run_until_idle();
    CHECK(s.counts().dead == 1);
    CHECK(gate::now->outcomes == std::vector<std::int32_t>{POSTBUS_DEAD});
  }
  SECTION("fail, which is a retry") {
    gate::now->is_open = true;
    gate::now->resume(sdk::verdict::fail);
    g.clock.advance(1s);
    CHECK(s.counts().retried == 1);
    CHECK(s.counts().acked == 1);
  }
  CHECK(sum(s.counts()) == s.counts().taken_on);
}

TEST_CASE("resumed with HOLD the feature is asked once more, when the item's turn comes, in the order given",
          "[passes]") {
  gated_bus g;
  const auto s = g.subscribe();
  for (const char* text : {"p1", "p2", "-3"}) g.b.publish("a", text);
  g.clock.run_until_idle();
  CHECK(g.seen == "3");
  gate::now->is_open = true;
  gate::now->resume(sdk::verdict::hold);
  CHECK(gate::now->shown == 3);
  g.clock.run_until_idle();
  CHECK(gate::now->shown == 5);
  CHECK(g.seen == "312");
  CHECK(gate::now->memos == std::vector<std::uint64_t>(3, 7));
}

TEST_CASE("a verdict that is older than a recall does not let its item start unseen", "[passes]") {
  gated_bus g;
  const auto s = g.subscribe();
  g.b.publish("a", "h1");
  g.clock.run_until_idle();
  gate::now->resume();  // and before a worker has it:
  gate::now->recall();
  gate::now->is_open = true;
  g.clock.run_until_idle();
  CHECK(gate::now->shown == 2);
  CHECK(g.seen == "1");
}

TEST_CASE("what is set aside when the subscription ends is given back, and the feature hears it",
          "[passes]") {
  gated_bus g;
  subscribe_options o;
  o.group = "g";
  auto s = g.subscribe(o);
  for (const char* text : {"p1", "h2"}) g.b.publish("a", text);
  g.clock.run_until_idle();
  const std::vector<std::uint64_t> old = gate::now->kept;
  s.unsubscribe();
  g.clock.run_until_idle();
  CHECK(gate::now->outcomes == std::vector<std::int32_t>(2, POSTBUS_RELEASE));
  gate::now->resume();  // of what is gone: nothing happens
  gate::now->is_open = true;
  const auto next = g.subscribe(o);
  g.clock.run_until_idle();
  CHECK(g.seen.size() == 2);
}

TEST_CASE("recall shows what was let by and has not started again", "[passes]") {
  gated_bus g;
  const auto s = g.subscribe();
  gate::now->during = [&] {
    gate::now->during = nullptr;
    gate::now->recall();  // while it is being let by
  };
  g.b.publish("a", "-1");
  g.clock.run_until_idle();
  CHECK(gate::now->shown == 2);
  CHECK(g.seen == "1");
  CHECK(gate::now->outcomes.size() == 1);
}

TEST_CASE("features hear how a delivery ended, once, with their memo; a retry is asked anew", "[passes]") {
  gated_bus g({"witness"});
  subscribe_options o;
  o.max_deliveries = 3;
  o.backoff = {0s, 1, 0s};
  const auto s = g.b.subscribe(
      "a",
      [](const delivery& d) {
        if (d.text() == "bad" || d.attempt() == 1) throw std::runtime_error("no");
      },
      o);
  g.b.publish("a", "good");
  g.clock.run_until_idle();
  using end = std::pair<std::int32_t, std::uint64_t>;
  CHECK(witness::now->settled == std::vector<end>{{POSTBUS_FAILED, 1}, {POSTBUS_ACK, 2}});
  witness::now->settled.clear();
  g.b.publish("a", "bad");
  g.clock.run_until_idle();
  CHECK(witness::now->settled ==
        std::vector<end>{{POSTBUS_FAILED, 1}, {POSTBUS_FAILED, 2}, {POSTBUS_DEAD, 3}});
  CHECK(std::set<std::uint64_t>(witness::now->tickets.begin(), witness::now->tickets.end()).size() == 2);
}

TEST_CASE("those that let a delivery by hear that a later one dropped it", "[passes]") {
  testing::manual_clock clock;
  bus b(config_for("memory")
            .module(passes_module)
            .intercept(
                "dropper", [](interception& i) { i.drop(); }, stages::deliver)
            .feature("witness")
            .clock(clock));
  const auto s = b.subscribe("a", [](const delivery&) {});
  b.publish("a", "x");
  clock.run_until_idle();
  CHECK(witness::now->settled == std::vector<std::pair<std::int32_t, std::uint64_t>>{{POSTBUS_DROPPED, 1}});
}

TEST_CASE("a feature may refuse an ack: the event is given back, and delivered again", "[passes]") {
  gated_bus g;
  subscribe_options o;
  o.group = GENERATE("g", "");
  const auto s = g.subscribe(o);
  g.b.publish("a", "-lapsed");
  g.clock.advance(10s);
  CHECK(gate::now->outcomes == std::vector<std::int32_t>{POSTBUS_ACK, POSTBUS_ACK});
  CHECK(g.seen == "dd");
  CHECK(s.counts().acked == 1);
  CHECK((o.group.empty() ? s.counts().retried : s.counts().given_back) == 1);
}

TEST_CASE("a feature may hold a settlement; one that forgets it is passed over after 5 s", "[passes]") {
  gated_bus g;
  const auto s = g.subscribe();
  g.b.publish("a", "-held");
  g.clock.run_until_idle();
  CHECK(g.seen == "d");
  CHECK(s.counts().acked == 0);
  if (GENERATE(true, false)) {
    gate::now->resume();
    g.clock.run_until_idle();
  } else {
    g.clock.advance(5s);
  }
  CHECK(s.counts().acked == 1);
}

TEST_CASE("features hear how a publish ended, with their memo", "[passes]") {
  testing::manual_clock clock;
  bus b(config_for("memory")
            .module(passes_module)
            .feature("witness")
            .intercept(
                "bouncer", [](interception& i) { i.data().text() == "no" ? i.reject("no") : void(); },
                stages::publish)
            .clock(clock));
  error_code ec;
  b.publish("a", "x");
  b.publish("a", "no", {}, ec);
  const message batch[] = {{"a", "x", {}}, {"a", "no", {}}};
  (void)b.publish(batch);
  b.async_publish("a", "x", [](error_code, const receipt&) {});
  clock.run_until_idle();
  REQUIRE(witness::now->heard.size() == 5);
  std::vector<std::uint64_t> good, bad;
  for (const auto& [status, memo] : witness::now->heard) (status == POSTBUS_OK ? good : bad).push_back(memo);
  CHECK(good == std::vector<std::uint64_t>{1, 3, 5});
  CHECK(bad == std::vector<std::uint64_t>{2, 4});
}

TEST_CASE("a publish through a delivery says which one it came through", "[passes]") {
  gated_bus g({"witness"});
  const auto s = g.b.subscribe("a", [](const delivery& d) { d.publish("b", "y"); });
  g.b.publish("a", "x");
  g.clock.run_until_idle();
  REQUIRE(witness::now->causes.size() == 2);
  CHECK(witness::now->causes[0] == 0);
  CHECK(witness::now->causes[1] == witness::now->tickets.at(0));
}

TEST_CASE("a handler is asked to stop by the ticket that the feature knows", "[passes]") {
  gated_bus g({"gate", "witness"});
  subscribe_options o;
  o.concurrency = 2;
  std::vector<settlement> running;
  const auto s = g.b.subscribe(
      "a", [&](const delivery& d) { running.push_back(d.defer()); }, o);
  for (int n = 0; n < 2; ++n) g.b.publish("a", "x");
  g.clock.run_until_idle();
  CHECK(gate::now->request_stop(witness::now->tickets.at(1)) == 1);
  REQUIRE(running.size() == 2);
  CHECK_FALSE(running[0].stop_requested());
  CHECK(running[1].stop_requested());
  CHECK(gate::now->listed() == witness::now->tickets);
}

TEST_CASE("a publish that is held waits for its verdict", "[passes]") {
  gated_bus g;
  const auto s = g.subscribe();
  error_code ec = make_error_code(error::failed);
  g.b.async_publish("a", "H1", [&](error_code e, const receipt&) { ec = e; });
  g.clock.run_until_idle();
  CHECK(ec == error::failed);
  SECTION("pass") {
    gate::now->resume();
    g.clock.run_until_idle();
    CHECK_FALSE(ec);
    CHECK(g.seen == "1");
  }
  SECTION("reject") {
    gate::now->resume(sdk::verdict::reject);
    g.clock.run_until_idle();
    CHECK(ec == error::refused);
  }
  SECTION("park, which makes no difference") {
    gate::now->park();
    g.clock.run_until_idle();
    CHECK(ec == error::failed);
    gate::now->resume();
    g.clock.run_until_idle();
    CHECK_FALSE(ec);
  }
  SECTION("reject, for a reason that is the name of an error") {
    gate::now->resume(sdk::verdict::reject, 2);
    g.clock.run_until_idle();
    CHECK(ec == error::paused);
  }
  SECTION("or its deadline") {
    g.clock.advance(30s);
    CHECK(ec == error::timed_out);
    gate::now->resume();
    g.clock.run_until_idle();
    CHECK(g.seen.empty());
  }
}

TEST_CASE("a publish that is held from a handler would block", "[passes]") {
  gated_bus g;
  error_code ec;
  const auto s = g.b.subscribe("b", [&](const delivery&) { g.b.publish("a", "H1", {}, ec); });
  g.b.publish("b", "x");
  g.clock.run_until_idle();
  CHECK(ec == error::would_block);
}

TEST_CASE("a synchronous publish that is held, on threads, is let go by another thread", "[passes]") {
  bus b(config_for("memory").module(passes_module).feature("gate"));
  std::atomic<bool> done{false};
  std::thread publisher([&] {
    b.publish("a", "H1");
    done = true;
  });
  std::thread resumer([&] {
    while (!done) {
      gate::now->resume();
      std::this_thread::yield();
    }
  });
  publisher.join();
  resumer.join();
  CHECK(b.close().published == 1);
}

TEST_CASE("a feature that holds without having said that it might has failed", "[passes]") {
  gated_bus g({"liar"});
  subscribe_options o;
  o.max_deliveries = 1;
  const auto s = g.subscribe(o);
  g.b.publish("a", "x");
  g.clock.run_until_idle();
  CHECK(s.counts().retried == 1);
  CHECK(g.seen.empty());
}

POSTBUS_PLUGINS(POSTBUS_PLUGIN("gate", gate), POSTBUS_PLUGIN("witness", witness),
                POSTBUS_PLUGIN("liar", liar))
