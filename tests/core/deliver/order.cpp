// ordered_by: lanes by key, what rests in them, and what runs alone; on the virtual clock and on threads.
#include "refusal.hpp"
#include "support/bus.hpp"
#include "support/catch.hpp"

#include <postbus/testing/manual_clock.hpp>

#include <map>
#include <mutex>

using namespace postbus;
using namespace postbus::tests;

namespace {

struct virtual_bus {
  testing::manual_clock clock;
  bus b{config_for("memory").clock(clock)};

  void publish(std::string_view key, std::string_view text) {
    publish_options o;
    o.key = key;
    b.publish("jobs", text, o);
  }
};

subscribe_options by_key(unsigned concurrency = 1) {
  subscribe_options o;
  o.ordered_by = "partitionkey";
  o.concurrency = concurrency;
  o.backoff = {1s, 1, 1s};
  return o;
}

}  // namespace

TEST_CASE("a retry holds the events of its key, in their order, and no others", "[order]") {
  virtual_bus v;
  std::string order;
  const auto s = v.b.subscribe(
      "jobs",
      [&](const delivery& d) {
        order += d.text();
        if (d.text() == "a1" && d.attempt() < 3) throw retry{1s};
      },
      by_key());
  for (const char* text : {"a1", "a2", "b1", "a3", "b2", "c1"}) v.publish({text, 1}, text);
  v.clock.run_until_idle();
  CHECK(order == "a1b1c1b2");
  v.publish("a", "a4");
  v.publish("b", "b3");
  v.clock.run_until_idle();
  CHECK(order == "a1b1c1b2b3");
  v.clock.advance(1s);
  CHECK(order == "a1b1c1b2b3a1");
  v.clock.advance(1s);
  CHECK(order == "a1b1c1b2b3a1a1a2a3a4");
  CHECK(s.counts().acked == 8);
}

TEST_CASE("a key runs one at a time, whatever the concurrency is, and different keys run at once",
          "[order]") {
  bus b(config_for("memory").threads(4));
  std::mutex mutex;
  std::map<std::string, std::vector<int>> seen;
  std::map<std::string, int> running;
  std::atomic<bool> overlap{false}, doubled{false};
  std::atomic<int> at_once{0};
  subscribe_options o = by_key(4);
  o.prefetch = 256;
  const auto s = b.subscribe(
      "jobs",
      [&](const delivery& d) {
        const std::string key(d.key());
        {
          const std::lock_guard lock(mutex);
          if (++running[key] > 1) doubled = true;
        }
        if (++at_once > 1) overlap = true;
        if (d.attempt() == 1 && d.data().size() % 7 == 3) {
          --at_once;
          const std::lock_guard lock(mutex);
          --running[key];
          throw retry{0ms};
        }
        --at_once;
        const std::lock_guard lock(mutex);
        --running[key];
        seen[key].push_back(std::stoi(std::string(d.text())));
      },
      o);
  for (int n = 0; n < 4'000; ++n) {
    publish_options p;
    const std::string key(1, static_cast<char>('a' + n % 8));
    p.key = key;
    b.publish("jobs", std::to_string(n), p);
  }
  REQUIRE(b.wait_until_idle(deadline));
  CHECK_FALSE(doubled);
  std::size_t all = 0;
  for (const auto& [key, numbers] : seen) {
    CHECK(std::is_sorted(numbers.begin(), numbers.end()));
    all += numbers.size();
  }
  CHECK(all == 4'000);
  CHECK(seen.size() == 8);
}

TEST_CASE("deferred deliveries hold their lane until they are settled", "[order]") {
  virtual_bus v;
  std::string order;
  settlement kept;
  const auto s = v.b.subscribe(
      "jobs",
      [&](const delivery& d) {
        order += d.text();
        if (d.text() == "a1" && d.attempt() == 1) kept = d.defer();
      },
      by_key(4));
  for (const char* text : {"a1", "a2", "b1"}) v.publish({text, 1}, text);
  v.clock.run_until_idle();
  CHECK(order == "a1b1");
  SECTION("by an ack") {
    kept.ack();
    v.clock.run_until_idle();
    CHECK(order == "a1b1a2");
  }
  SECTION("by a retry, which comes before those behind it") {
    kept.retry(1s);
    v.clock.run_until_idle();
    CHECK(order == "a1b1");
    v.clock.advance(1s);
    CHECK(order == "a1b1a1a2");
  }
  CHECK(s.counts().acked == 3);
}

TEST_CASE("no key starves: each gets its turn while another has many", "[order]") {
  virtual_bus v;
  std::string order;
  const auto s = v.b.subscribe(
      "jobs", [&](const delivery& d) { order += d.text(); }, by_key());
  for (int n = 0; n < 8; ++n) v.publish("a", "a");
  v.publish("b", "b");
  v.clock.run_until_idle();
  CHECK(order.find('b') <= 2);
  CHECK(order.size() == 9);
}

TEST_CASE("events without the key's value are one lane", "[order]") {
  virtual_bus v;
  std::string order;
  subscribe_options o = by_key(2);
  o.ordered_by = "header:user";
  const auto s = v.b.subscribe(
      "jobs",
      [&](const delivery& d) {
        order += d.text();
        if (d.attempt() == 1 && d.text() == "1") throw retry{1s};
      },
      o);
  for (const char* text : {"1", "2"}) v.b.publish("jobs", text);
  v.clock.run_until_idle();
  CHECK(order == "1");
  v.clock.advance(1s);
  CHECK(order == "112");
}

TEST_CASE("keys come from captures and templates too", "[order]") {
  virtual_bus v;
  std::string order;
  subscribe_options o = by_key();
  o.ordered_by = GENERATE("param:user", "{user}-lane");
  const auto s = v.b.subscribe(
      "jobs:{user}:*",
      [&](const delivery& d) {
        order += d.text();
        if (d.attempt() == 1 && d.text() == "1") throw retry{1s};
      },
      o);
  v.b.publish("jobs:42:x", "1");
  v.b.publish("jobs:42:y", "2");
  v.b.publish("jobs:43:x", "3");
  v.clock.run_until_idle();
  CHECK(order == "13");
  v.clock.advance(1s);
  CHECK(order == "1312");
}

TEST_CASE("what stands behind a retry when the subscription ends is given back, uncounted", "[order]") {
  virtual_bus v;
  subscribe_options o = by_key();
  o.group = "g";
  std::vector<unsigned> attempts;
  {
    const auto s = v.b.subscribe(
        "jobs", [&](const delivery&) { throw retry{1h}; }, o);
    for (int n = 0; n < 3; ++n) v.publish("a", std::to_string(n));
    v.clock.run_until_idle();
    CHECK(s.counts().started == 1);
  }
  v.clock.run_until_idle();
  const auto next = v.b.subscribe(
      "jobs", [&](const delivery& d) { attempts.push_back(d.attempt()); }, o);
  v.clock.run_until_idle();
  std::sort(attempts.begin(), attempts.end());
  CHECK(attempts == std::vector<unsigned>{1, 1, 2});
}

TEST_CASE("what is given back goes out again in the order in which it came", "[order]") {
  virtual_bus v;
  subscribe_options o = by_key();
  o.group = "g";
  o.prefetch = GENERATE(1u, 4u, 64u);
  std::string order;
  auto s = v.b.subscribe(
      "jobs", [&](const delivery&) { throw retry{1h}; }, o);
  for (const char* text : {"1", "2", "3", "4", "5", "6"}) v.publish("a", text);
  v.clock.run_until_idle();
  s.unsubscribe();
  v.publish("a", "7");
  v.clock.run_until_idle();
  const auto next = v.b.subscribe(
      "jobs", [&](const delivery& d) { order += d.text(); }, o);
  v.clock.run_until_idle();
  CHECK(order == "1234567");
}

TEST_CASE("a retry counts, also where its own chain of deliveries unsubscribes", "[order]") {
  virtual_bus v;
  subscribe_options o;
  o.group = "g";
  std::vector<std::pair<std::string, unsigned>> seen;
  subscription s, next;
  s = v.b.subscribe(
      "jobs",
      [&](const delivery& d) {
        if (d.text() == "1") throw retry{1h};
        s.unsubscribe();
      },
      o);
  next = v.b.subscribe(
      "jobs", [&](const delivery& d) { seen.emplace_back(d.text(), d.attempt()); }, o);
  for (const char* text : {"1", "1", "2", "2"}) v.publish("", text);
  v.clock.run_until_idle();
  std::uint64_t retried = s.counts().retried, again = 0;
  REQUIRE(retried > 0);
  for (const auto& [text, attempt] : seen) again += attempt == 2;
  CHECK(again == retried);
}

TEST_CASE("parked events give their credit back up to park_max; at the limit health names it", "[order]") {
  virtual_bus v;
  std::string order;
  subscribe_options o = by_key();
  o.prefetch = 4;
  o.park_max = {3, 1'000};
  const auto s = v.b.subscribe(
      "jobs",
      [&](const delivery& d) {
        order += d.text();
        if (d.text() == "a" && d.attempt() == 1) throw retry{1s};
      },
      o);
  for (int n = 0; n < 3; ++n) v.publish("a", "a");
  v.publish("b", "b");
  v.clock.run_until_idle();
  CHECK(order == "ab");  // three are parked, and their credits went back
  for (int n = 0; n < 3; ++n) v.publish("a", "a");
  v.publish("b", "b");
  v.clock.run_until_idle();
  CHECK(order == "abb");  // the next three keep theirs; one is left
  CHECK(v.b.health().state == health_state::degraded);
  CHECK(v.b.health().components[0].reason.find("'jobs' has parked 3 events") != std::string::npos);
  v.publish("a", "a");
  v.publish("b", "b");
  v.clock.run_until_idle();
  CHECK(order == "abb");  // none is left: fetching stopped
  v.clock.advance(10s);
  CHECK(s.counts().acked == 10);
  CHECK(v.b.health().state == health_state::healthy);
}

TEST_CASE("park_max counts bytes too", "[order]") {
  virtual_bus v;
  std::size_t calls = 0;
  subscribe_options o;
  o.prefetch = 2;
  o.park_max = {1'000, 150};
  const auto s = v.b.subscribe(
      "jobs",
      [&](const delivery&) {
        ++calls;
        throw retry{1h};
      },
      o);
  for (int n = 0; n < 8; ++n) v.publish("", std::string(100, 'x'));
  v.clock.run_until_idle();
  CHECK(calls == 3);  // one parked; two keep their credit
}

TEST_CASE("from the third delivery on an event runs alone", "[order]") {
  bus b(config_for("memory").threads(4));
  std::atomic<int> running{0};
  std::atomic<bool> with_others{false};
  std::atomic<int> third{0};
  subscribe_options o;
  o.concurrency = 4;
  o.backoff = {1ms, 1, 1ms};
  const auto s = b.subscribe(
      "jobs",
      [&](const delivery& d) {
        struct count {
          std::atomic<int>& n;
          explicit count(std::atomic<int>& of) : n(of) { ++n; }
          ~count() { --n; }
        } here(running);
        if (d.attempt() >= 3) {
          ++third;
          for (int i = 0; i < 200; ++i) {
            if (running != 1) with_others = true;
            std::this_thread::yield();
          }
        } else if (d.text() == "bad") {
          throw std::runtime_error("no");
        }
      },
      o);
  for (int n = 0; n < 2'000; ++n) b.publish("jobs", n % 100 == 0 ? "bad" : "good");
  REQUIRE(b.wait_until_idle(deadline));
  CHECK(third == 20);
  CHECK_FALSE(with_others);
  CHECK(s.counts().acked == 2'000);
}

TEST_CASE("a group that is ordered by a key has one member", "[order]") {
  virtual_bus v;
  subscribe_options o = by_key();
  o.group = "g";
  const auto s = v.b.subscribe(
      "jobs", [](const delivery&) {}, o);
  const bool second_is_ordered = GENERATE(true, false);
  if (!second_is_ordered) o.ordered_by.clear();
  const error e = refusal([&] {
    (void)v.b.subscribe(
        "jobs", [](const delivery&) {}, o);
  });
  CHECK(e.code() == error::unsupported);
  CHECK(e.found().find("has one member only") != std::string::npos);
}

TEST_CASE("a key that the pattern does not capture, or that is none, is refused", "[order]") {
  virtual_bus v;
  subscribe_options o = by_key();
  o.ordered_by = GENERATE("param:user", "nonsense", "{user}");
  CHECK(refusal([&] {
          (void)v.b.subscribe(
              "jobs", [](const delivery&) {}, o);
        }).code() == error::bad_argument);
}
