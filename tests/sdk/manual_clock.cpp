// manual_clock: time and threads of a test.
#include "support/catch.hpp"

#include <postbus/testing/manual_clock.hpp>

#include <set>
#include <string>
#include <vector>

using postbus::testing::manual_clock;
using namespace std::chrono_literals;

namespace {

// Writes down what ran, and when.
struct diary {
  explicit diary(manual_clock& c) : clock(c) {}

  struct entry {
    diary* owner;
    std::string name;
  };
  void write(const std::string& name) { lines.push_back(name + "@" + std::to_string(clock.now_ns())); }
  void post(std::string name) {
    clock.post([](void* ctx) { write_and_forget(ctx, ""); }, new entry{this, std::move(name)});
  }
  auto timer(std::int64_t delay_ns, std::string name) {
    return clock.timer(delay_ns, {[](void* ctx, std::int32_t status, const void*, const postbus_error*) {
                                    write_and_forget(ctx, status == POSTBUS_E_CANCELLED ? " cancelled" : "");
                                  },
                                  new entry{this, std::move(name)}});
  }
  static void write_and_forget(void* ctx, const char* how) {
    const std::unique_ptr<entry> e(static_cast<entry*>(ctx));
    e->owner->write(e->name + how);
  }

  manual_clock& clock;
  std::vector<std::string> lines;
};
using lines = std::vector<std::string>;

}  // namespace

TEST_CASE("nothing runs by itself, and what is posted runs in order", "[manual_clock]") {
  manual_clock clock;
  diary d(clock);
  d.post("a");
  d.post("b");
  CHECK(d.lines.empty());
  CHECK(clock.run_until_idle() == 2);
  CHECK(d.lines == lines{"a@0", "b@0"});
  CHECK(clock.run_until_idle() == 0);
}

TEST_CASE("what runs may post and set timers, and they run too when they are due", "[manual_clock]") {
  manual_clock clock;
  diary d(clock);
  clock.post(
      [](void* ctx) {
        static_cast<diary*>(ctx)->post("posted inside");
        static_cast<diary*>(ctx)->timer(0, "due now");
        static_cast<diary*>(ctx)->timer(-5, "long due");
        static_cast<diary*>(ctx)->timer(1, "not due");
      },
      &d);
  clock.run_until_idle();
  CHECK(d.lines == lines{"posted inside@0", "due now@0", "long due@0"});
  CHECK(clock.pending_timers() == 1);
  clock.advance(1ns);
  CHECK(d.lines.back() == "not due@1");
}

TEST_CASE("timers run in order, each at its own time", "[manual_clock]") {
  manual_clock clock;
  diary d(clock);
  d.timer(20, "second");
  d.timer(10, "first");
  d.timer(31, "too late");
  clock.advance(30ns);
  CHECK(d.lines == lines{"first@10", "second@20"});
  CHECK(clock.now_ns() == 30);
  clock.advance(0ns);
  CHECK(d.lines.size() == 2);
  clock.cancel(d.timer(1, "x"));
  clock.advance(1ns);
  CHECK(d.lines.back() == "too late@31");
}

TEST_CASE("a timer that repeats itself runs as often as the time allows", "[manual_clock]") {
  struct metronome {
    manual_clock& clock;
    int ticks = 0;
    void wind() {
      clock.timer(10, {[](void* ctx, std::int32_t, const void*, const postbus_error*) {
                         auto& me = *static_cast<metronome*>(ctx);
                         ++me.ticks;
                         me.wind();
                       },
                       this});
    }
  };
  manual_clock clock;
  metronome m{clock};
  m.wind();
  clock.advance(105ns);
  CHECK(m.ticks == 10);
  CHECK(clock.now_ns() == 105);
}

TEST_CASE("a cancelled timer says so inside cancel, and never again", "[manual_clock]") {
  manual_clock clock;
  diary d(clock);
  const auto timer = d.timer(10, "x");
  clock.cancel(timer);
  CHECK(d.lines == lines{"x cancelled@0"});
  clock.cancel(timer);
  clock.advance(1h);
  CHECK(d.lines.size() == 1);
}

TEST_CASE("other queues are drained until they are empty", "[manual_clock]") {
  manual_clock clock;
  diary d(clock);
  int left = 3, polls = 0;
  clock.add_source(&left, [&]() -> std::size_t {
    ++polls;
    if (left == 0) return 0;
    --left;
    d.post("from the source");
    return 1;
  });
  clock.run_until_idle();
  CHECK(left == 0);
  CHECK(d.lines.size() == 3);
  clock.remove_source(&left);
  const int before = polls;
  clock.run_until_idle();
  CHECK(polls == before);
}

TEST_CASE("two clocks of one seed draw the same numbers, and wall time moves with time", "[manual_clock]") {
  manual_clock a(7), b(7), c(8);
  const std::uint64_t drawn = a.random();
  CHECK(drawn == b.random());
  CHECK(drawn != c.random());
  CHECK(a.wall_ns() == 1'767'225'600'000'000'000);
  a.advance(2s);
  CHECK(a.wall_ns() == 1'767'225'602'000'000'000);
}

TEST_CASE("an exploring clock runs everything once, in an order that its seed decides", "[manual_clock]") {
  std::set<lines> orders;
  std::set<std::uint64_t> hashes;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    lines before;
    std::uint64_t hash_before = 0;
    for (int again = 0; again < 2; ++again) {
      manual_clock clock(seed);
      clock.explore();
      diary d(clock);
      for (const char* name : {"a", "b", "c"}) d.post(name);
      d.timer(0, "due");
      clock.run_until_idle();
      REQUIRE(d.lines.size() == 4);
      CHECK(std::set<std::string>(d.lines.begin(), d.lines.end()) ==
            std::set<std::string>{"a@0", "b@0", "c@0", "due@0"});
      if (again != 0) {
        CHECK(d.lines == before);
        CHECK(clock.schedule_hash() == hash_before);
      }
      before = d.lines;
      hash_before = clock.schedule_hash();
    }
    orders.insert(before);
    hashes.insert(hash_before);
  }
  CHECK(orders.size() == 24);
  CHECK(hashes.size() == 24);
}

TEST_CASE("an exploring clock keeps time: only timers due at one moment change places", "[manual_clock]") {
  std::set<lines> orders;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    manual_clock clock(seed);
    clock.explore();
    diary d(clock);
    d.timer(20, "later");
    for (const char* name : {"a", "b", "c"}) d.timer(10, name);
    clock.advance(30ns);
    REQUIRE(d.lines.size() == 4);
    CHECK(d.lines.back() == "later@20");
    orders.insert(d.lines);
  }
  CHECK(orders.size() == 6);
}

TEST_CASE("an exploring clock takes one at a time from its other queues", "[manual_clock]") {
  std::set<std::string> orders;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    manual_clock clock(seed);
    clock.explore();
    std::string order;
    int left = 2;
    const auto one = [&] { return left > 0 ? (--left, order += 's', std::size_t{1}) : 0; };
    clock.add_source(
        &left, [&] { return one() + one(); }, one);
    clock.post([](void* o) { *static_cast<std::string*>(o) += 'p'; }, &order);
    CHECK(clock.run_until_idle() == 3);
    orders.insert(order);
    clock.remove_source(&left);
  }
  CHECK(orders == std::set<std::string>{"pss", "sps", "ssp"});
}
