// Features see what is ready together, before its turn comes, and hear together how it ended.
#define POSTBUS_MODULE asking_module
#define POSTBUS_PLUGIN_MANIFEST                    \
  R"({"version": "1.0.0", "abi": 1, "plugins": [)" \
  R"({"id": "clerk", "provides": ["postbus.interceptor/1"], "verdicts": ["hold", "park"], "requires": ["postbus.flow/1"]}]})"
#include "support/bus.hpp"
#include "support/catch.hpp"

#include <postbus/testing/manual_clock.hpp>

#include <postbus/sdk/plugin.hpp>

#include <mutex>
#include <numeric>

using namespace postbus;
using namespace postbus::tests;

namespace {

// Gives the verdict that it is told to; counts what it sees together.
class clerk {
 public:
  explicit clerk(sdk::context& ctx) : flow_(ctx) { now = this; }
  std::uint32_t stages() const { return POSTBUS_AT_DELIVER | POSTBUS_AT_SETTLED; }
  void on_batch(std::uint32_t stage, std::span<postbus_item> items) {
    const std::lock_guard lock(mutex_);
    if (stage == POSTBUS_AT_SETTLED) {
      ended.push_back(items.size());
      for (const postbus_item& i : items) outcomes.push_back(i.outcome);
      return;
    }
    shown.push_back(items.size());
    for (postbus_item& i : items) {
      if (answer != sdk::verdict::pass) kept.push_back(i.ticket);
      i.verdict = static_cast<std::uint32_t>(answer);
    }
  }
  std::size_t told() {
    const std::lock_guard lock(mutex_);
    return outcomes.size();
  }
  std::size_t parked() {
    const std::lock_guard lock(mutex_);
    return kept.size();
  }
  void answers(sdk::verdict v) {
    const std::lock_guard lock(mutex_);
    answer = v;
  }
  void resume(std::size_t n, sdk::verdict v = sdk::verdict::pass) { flow_.resume(kept.at(n), v); }
  void recall() { flow_.recall(); }

  static inline clerk* now = nullptr;
  sdk::verdict answer = sdk::verdict::pass;
  std::vector<std::size_t> shown, ended;
  std::vector<std::int32_t> outcomes;
  std::vector<std::uint64_t> kept;

 private:
  std::mutex mutex_;
  sdk::flow flow_;
};

config with_clerk() { return config_for("memory").module(asking_module).feature("clerk"); }

struct clerks_bus {
  testing::manual_clock clock;
  bus b{with_clerk().clock(clock)};
  std::string seen;
  subscription s;

  explicit clerks_bus(sdk::verdict v, const subscribe_options& o = {})
      : s(b.subscribe(
            "a", [this](const delivery& d) { seen += d.text(); }, o)) {
    clerk::now->answer = v;
  }
  void publish(std::string_view letters) {
    for (const char& c : letters) b.publish("a", std::string_view(&c, 1));
    clock.run_until_idle();
  }
  void resume(std::size_t n, sdk::verdict v = sdk::verdict::pass) {
    clerk::now->resume(n, v);
    clock.run_until_idle();
  }
};

using sizes = std::vector<std::size_t>;

}  // namespace

TEST_CASE("a feature sees at once what is ready, and hears at once how it ended", "[passes]") {
  clerks_bus c(sdk::verdict::pass);
  c.publish("0123456789");
  CHECK(clerk::now->shown == sizes{10});
  CHECK(clerk::now->ended == sizes{10});
  CHECK(c.seen == "0123456789");
  for (int n = 0; n < 8; ++n) c.publish(std::string(100, 'x'));
  for (const std::size_t n : clerk::now->shown) CHECK(n <= 64);
  for (const std::size_t n : clerk::now->ended) CHECK(n <= 64);
  CHECK(c.s.counts().acked == 810);
}

TEST_CASE("it sees those of its topics, however many topics there are at once", "[passes]") {
  testing::manual_clock clock;
  bus b(with_clerk().set("plugin.clerk.topics", R"(["in:*"])").clock(clock));
  const auto s = b.subscribe("*:*", [](const delivery&) {});
  constexpr int topics = 3'000;  // far more than a thread remembers at first
  for (int n = 0; n < topics; ++n) b.publish((n % 2 == 0 ? "in:" : "out:") + std::to_string(n), "x");
  clock.run_until_idle();
  CHECK(s.counts().acked == topics);
  CHECK(std::accumulate(clerk::now->shown.begin(), clerk::now->shown.end(), std::size_t{0}) == topics / 2);
  CHECK(clerk::now->told() == topics / 2);
}

TEST_CASE("so do coroutines, which start one by one", "[passes]") {
  testing::manual_clock clock;
  bus b(with_clerk().clock(clock));
  std::string seen;
  const auto s = b.subscribe("a", [&](delivery d) -> boost::asio::awaitable<void> {
    seen += d.text();
    co_return;
  });
  for (const char* text : {"1", "2", "3", "4"}) b.publish("a", text);
  clock.run_until_idle();
  CHECK(seen == "1234");
  CHECK(clerk::now->shown == sizes{4});
}

TEST_CASE("in whatever order verdicts come, handlers start in the order of the events", "[passes]") {
  clerks_bus c(sdk::verdict::hold);
  c.publish("01234");
  c.resume(4);
  c.resume(1);
  CHECK(c.seen.empty());
  c.resume(0);
  CHECK(c.seen == "01");
  c.resume(3);
  c.resume(2, sdk::verdict::drop);
  CHECK(c.seen == "0134");
  CHECK(c.s.counts().dropped == 1);
}

TEST_CASE("above a concurrency of 1 nothing waits behind what is held", "[passes]") {
  subscribe_options o;
  o.concurrency = 2;
  clerks_bus c(sdk::verdict::hold, o);
  c.publish("01");
  clerk::now->answer = sdk::verdict::pass;
  c.publish("2");
  c.resume(1);
  CHECK(c.seen == "21");
  c.resume(0);
  CHECK(c.seen == "210");
}

TEST_CASE("one among those that are held may be parked, and steps out of their row", "[passes]") {
  clerks_bus c(sdk::verdict::hold);
  c.publish("0123");
  c.resume(2, sdk::verdict::park);
  c.resume(0, sdk::verdict::park);
  c.resume(3);
  c.resume(1);
  CHECK(c.seen == "13");
  c.resume(2);
  c.resume(0);
  CHECK(c.seen == "1320");
}

TEST_CASE(
    "what a feature let by, or holds, is given back when the subscription ends, and it hears of all of it",
    "[passes]") {
  subscribe_options o;
  o.group = "g";
  testing::manual_clock clock;
  bus b(with_clerk().clock(clock));
  subscription s;
  SECTION("let by") {
    s = b.subscribe(
        "a", [&](const delivery&) { s.unsubscribe(); }, o);
    for (int n = 0; n < 5; ++n) b.publish("a", "x");
    clock.run_until_idle();
    CHECK(clerk::now->shown == sizes{5});
    CHECK(std::count(clerk::now->outcomes.begin(), clerk::now->outcomes.end(), POSTBUS_ACK) == 1);
    CHECK(std::count(clerk::now->outcomes.begin(), clerk::now->outcomes.end(), POSTBUS_RELEASE) == 4);
  }
  SECTION("held") {
    clerk::now->answer = sdk::verdict::hold;
    s = b.subscribe(
        "a", [](const delivery&) { FAIL("nothing starts"); }, o);
    for (int n = 0; n < 5; ++n) b.publish("a", "x");
    clock.run_until_idle();
    s.unsubscribe();
    clock.run_until_idle();
    CHECK(clerk::now->outcomes == std::vector<std::int32_t>(5, POSTBUS_RELEASE));
  }
  CHECK(b.close().clean);
}

namespace {

// Its one worker has asked about five events, handled the first, and is in the handler of the second until it may go on.
struct busy_bus {
  std::atomic<bool> is_filled{false}, goes_on{false};
  std::atomic<int> started{0};
  bus b{with_clerk().set("bus.threads", "1")};
  subscription blocks = b.subscribe("block", [this](const delivery&) {
    while (!is_filled) std::this_thread::yield();
  });
  subscription s = b.subscribe("a", [this](const delivery&) {
    if (++started == 1) return;
    while (!goes_on) std::this_thread::yield();
  });

  busy_bus() {
    b.publish("block", "");
    for (int n = 0; n < 5; ++n) b.publish("a", "x");
    is_filled = true;
    REQUIRE(eventually([&] { return started == 2; }));
  }
};

}  // namespace

TEST_CASE("a recall shows what waits for its turn, though every worker is busy", "[passes]") {
  busy_bus busy;
  clerk::now->answers(sdk::verdict::park);
  clerk::now->recall();
  CHECK(eventually([] { return clerk::now->parked() == 3; }));
  CHECK(busy.started == 2);
  busy.goes_on = true;
  for (std::size_t n = 0; n < 3; ++n) clerk::now->resume(n);
  REQUIRE(busy.b.wait_until_idle());
  CHECK(busy.s.counts().acked == 5);
}

TEST_CASE("a feature hears how a delivery ended while the next handler still runs", "[passes]") {
  busy_bus busy;
  CHECK(eventually([] { return clerk::now->told() == 2; }));  // of `block`, and of the first
  CHECK(busy.started == 2);
  busy.goes_on = true;
  CHECK(busy.b.close().clean);
}

POSTBUS_PLUGINS(POSTBUS_PLUGIN("clerk", clerk))
