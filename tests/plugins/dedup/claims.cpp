// The states of a claim, step by step, without a store.
#include "claims.hpp"

#include "support/catch.hpp"

using namespace postbus::dedup_plugin;
using postbus::sdk::verdict;
using state = claim::state;
using said = reply::kind;

namespace {

constexpr std::int64_t s = 1'000'000'000, window = 3600 * s, lease = 60 * s;

struct world {
  claims all{{window, lease, 100}};
  std::int64_t now = 1000 * s, wall = 1'700'000'000 * s;

  claim& arrive(const char* key, std::int64_t token = 10) {
    claim& c = all.make();
    c.key = key;
    c.token = token;
    c.ticket = static_cast<std::uint64_t>(token);
    all.arrive(c, now);
    return c;
  }
  // What is to be done next, which is then answered so.
  request next(const reply& a = {}) {
    REQUIRE(!all.outbox.empty());
    const request r = all.outbox.front();
    all.outbox.erase(all.outbox.begin());
    all.answered(r, a, now, wall);
    return r;
  }
  // One that runs.
  claim& running(const char* key, std::int64_t token = 10) {
    claim& c = arrive(key, token);
    next();
    return c;
  }
  // One that is parked behind the claim `of`.
  claim& waiting(const char* key, std::int64_t of, std::int64_t token = 20) {
    claim& c = arrive(key, token);
    next({said::taken, of});
    claims::keep(c);
    return c;
  }
  verdict told() {
    REQUIRE(all.verdicts.size() == 1);
    const auto v = static_cast<verdict>(all.verdicts.front().verdict);
    all.verdicts.clear();
    return v;
  }
};

}  // namespace

TEST_CASE("what nobody has is claimed, let by, done, and gone", "[claims]") {
  world w;
  claim& c = w.arrive("k");
  CHECK(c.verdict == verdict::hold);
  CHECK(w.next().what == step::take);
  CHECK(c.verdict == verdict::pass);
  w.all.settled(c, true, w.now);
  CHECK(c.verdict == verdict::hold);
  const request finish = w.next();
  CHECK((finish.what == step::finish && finish.token == 10 && !finish.tells));
  CHECK(c.verdict == verdict::pass);
  w.all.let_go(c);
  CHECK(w.all.empty());
  CHECK(w.all.counts.let_by == 1);
}

TEST_CASE("what is done is dropped, the second time without asking, until the window is over", "[claims]") {
  world w;
  claim& c = w.arrive("k");
  w.next({said::done, 0, w.wall + 10 * s});
  CHECK(c.verdict == verdict::drop);
  w.all.let_go(c);
  claim& again = w.arrive("k");
  CHECK(w.all.outbox.empty());
  CHECK(again.verdict == verdict::drop);
  w.all.let_go(again);
  CHECK((w.all.counts.duplicates == 2 && w.all.counts.known_here == 1));
  w.now += 10 * s;
  w.arrive("k");
  CHECK(w.all.outbox.size() == 1);
}

TEST_CASE("what failed is released, and the retry is claimed anew", "[claims]") {
  world w;
  claim& c = w.running("k");
  w.all.settled(c, false, w.now);
  CHECK(c.verdict == verdict::pass);
  w.all.let_go(c);
  CHECK(w.next().what == step::release);
  CHECK(w.all.empty());
  claim& again = w.arrive("k", 12);
  CHECK(w.next().what == step::take);
  CHECK(again.verdict == verdict::pass);
}

TEST_CASE("a copy is parked, and asks whoever has the event to tell", "[claims]") {
  world w;
  claim& c = w.waiting("k", 10);
  CHECK(c.verdict == verdict::park);
  const request mark = w.next();
  CHECK((mark.what == step::mark && mark.token == 10));
  w.all.told("other");
  CHECK(w.all.outbox.empty());
  w.all.told("k");
  CHECK(w.next({said::done, 0, w.wall + s}).what == step::take);
  CHECK(w.told() == verdict::drop);
  w.all.settled(c, true, w.now);
  w.all.let_go(c);
  CHECK(w.all.empty());
}

TEST_CASE("a copy does not ask twice, and takes over what was released", "[claims]") {
  world w;
  claim& c = w.waiting("k", 11);  // somebody waits already
  CHECK(w.all.outbox.empty());
  w.all.told("k");
  w.next();
  CHECK(w.told() == verdict::pass);
  CHECK(c.now == state::running);
  CHECK(w.all.counts.taken_over == 1);
}

TEST_CASE("what ended before the mark came is seen by the mark", "[claims]") {
  world w;
  w.waiting("k", 10);
  w.next({said::nothing});
  CHECK(w.next().what == step::take);
  CHECK(w.told() == verdict::pass);
  w.waiting("j", 10, 30);
  w.next({said::done, 0, w.wall + s});
  CHECK(w.told() == verdict::drop);
}

TEST_CASE("who has the event by the time the mark comes is asked instead", "[claims]") {
  world w;
  w.waiting("k", 10);
  w.next({said::taken, 30});
  CHECK(w.next({said::taken, 31}).token == 30);  // somebody else asked it already
  CHECK(w.all.outbox.empty());
}

TEST_CASE("a claim that was made although its call failed is ours, and tells who waits for it", "[claims]") {
  world w;
  claim& c = w.arrive("k");
  c.waits_for_store = true;
  w.next({said::failed});
  w.all.retry(w.now);
  w.next({said::taken, 11});
  CHECK(c.now == state::running);
  w.all.settled(c, true, w.now);
  CHECK(w.next({said::taken, 11}).token == 10);
  CHECK(w.all.outbox.front().tells);
}

TEST_CASE("one that is held until the store answers is parked when it answers that it takes long",
          "[claims]") {
  world w;
  claim& c = w.arrive("k", 20);
  claims::keep(c);
  w.next({said::taken, 10});
  CHECK(w.told() == verdict::park);
  CHECK(w.next().what == step::mark);
  w.all.told("k");
  w.next({said::taken, 30});
  CHECK(w.all.verdicts.empty());  // which it was told
  CHECK(w.next().token == 30);
  w.all.told("");
  w.next();
  CHECK(w.told() == verdict::pass);
}

TEST_CASE("who has the event tells those that wait", "[claims]") {
  for (const bool is_done : {true, false}) {
    CAPTURE(is_done);
    world w;
    claim& c = w.running("k");
    w.all.settled(c, is_done, w.now);
    w.next({said::taken, 11});
    const request again = w.next();
    CHECK((again.token == 11 && again.tells));
    CHECK(again.what == (is_done ? step::finish : step::release));
    CHECK(c.verdict == verdict::pass);
  }
}

TEST_CASE("a lease is renewed while the handler runs, and taken again where it lapsed", "[claims]") {
  world w;
  claim& c = w.running("k");
  w.all.tick(w.now + lease / 5);
  CHECK(w.all.outbox.empty());
  w.all.tick(w.now += lease / 4);
  CHECK(w.next().what == step::renew);
  CHECK(c.renewed_ns == w.now);
  w.all.tick(w.now += lease / 4);
  w.next({said::taken, 11});
  CHECK(w.next().token == 11);
  w.all.tick(w.now += lease);
  w.next({said::nothing});
  CHECK(w.next().what == step::take);
  CHECK(w.all.counts.lapsed == 0);
}

TEST_CASE("a claim that somebody else took since is not renewed, and what ends with it is not told",
          "[claims]") {
  world w;
  claim& c = w.running("k");
  w.all.tick(w.now += lease);
  w.next({said::taken, 40});
  CHECK(w.all.counts.lapsed == 1);
  w.all.tick(w.now += lease);
  CHECK(w.all.outbox.empty());
  w.all.settled(c, false, w.now);
  w.all.let_go(c);
  w.next({said::taken, 40});
  CHECK(w.all.empty());
  CHECK(w.all.counts.lapsed == 1);
}

TEST_CASE("while the store is away an event passes, or waits until it is back", "[claims]") {
  world w;
  claim& passes = w.arrive("k");
  w.next({said::failed});
  CHECK(passes.verdict == verdict::pass);
  CHECK(w.all.counts.unclaimed == 1);
  claim& waits = w.arrive("j", 20);
  waits.waits_for_store = true;
  w.next({said::failed});
  CHECK(waits.verdict == verdict::hold);
  claims::keep(waits);
  w.all.retry(w.now);
  w.next({said::taken, 20});  // it had been done after all
  CHECK(w.told() == verdict::pass);
}

TEST_CASE("that an event is done is tried again until the lease would have ended", "[claims]") {
  world w;
  claim& c = w.running("k");
  c.waits_for_store = true;
  w.all.settled(c, true, w.now);
  claims::keep(c);
  w.all.let_go(c);
  w.next({said::failed});
  CHECK(w.all.anything_failed());
  w.all.retry(w.now += s);
  w.next({said::failed});
  CHECK(w.all.verdicts.empty());
  w.all.retry(w.now += lease);
  CHECK(w.told() == verdict::pass);
  CHECK(w.all.empty());
}

TEST_CASE("where it passes without the store, the ack does not wait for it either", "[claims]") {
  world w;
  claim& c = w.running("k");
  w.all.settled(c, true, w.now);
  w.next({said::failed});
  CHECK(c.verdict == verdict::pass);
  w.all.let_go(c);
  CHECK(!w.all.empty());
  w.all.retry(w.now);
  w.next();
  CHECK(w.all.empty());
}

TEST_CASE("what is given back before the store answered leaves no claim", "[claims]") {
  world w;
  claim& c = w.arrive("k");
  claims::keep(c);
  w.all.settled(c, false, w.now);
  w.all.let_go(c);
  CHECK(w.next().what == step::take);
  CHECK(w.next().what == step::release);
  CHECK(w.all.empty());
  claim& waits = w.waiting("j", 10, 30);
  w.next();
  w.all.settled(waits, false, w.now);
  w.all.let_go(waits);
  CHECK(w.all.empty());
}

TEST_CASE("what is given back while the store is away is let go of when it is back", "[claims]") {
  world w;
  claim& c = w.arrive("k");
  c.waits_for_store = true;
  w.next({said::failed});
  claims::keep(c);
  w.all.settled(c, false, w.now);
  w.all.let_go(c);
  CHECK(w.next().what == step::release);
  CHECK(w.all.empty());
  CHECK(!w.all.anything_failed());
}

TEST_CASE("an event whose key holds something else is rejected", "[claims]") {
  world w;
  claim& c = w.arrive("k");
  w.next({said::wrong});
  CHECK((c.verdict == verdict::reject && c.reason == key_in_use));
  w.all.let_go(c);
  CHECK(w.all.empty());
}

TEST_CASE("of the keys that are done the oldest are forgotten, and those whose window is over", "[claims]") {
  done_cache cache(2);
  cache.add("a", 10);
  cache.add("b", 20);
  CHECK(cache.holds("a", 9));
  CHECK(!cache.holds("a", 10));
  cache.add("a", 15);  // which is there
  CHECK((cache.holds("a", 14) && cache.size() == 2));
  cache.add("c", 30);
  CHECK(!cache.holds("a", 0));
  CHECK((cache.holds("b", 0) && cache.holds("c", 0) && cache.size() == 2));
  cache.expire(20);
  CHECK((cache.size() == 1 && !cache.holds("b", 0) && cache.holds("c", 0)));
  cache.erase("c");
  CHECK(!cache.holds("c", 0));
  cache.expire(0);
  CHECK(cache.size() == 0);
  cache.add(std::string(100, 'x'), 10);
  CHECK((cache.holds(std::string(100, 'x'), 0) && cache.bytes() > 100));
  cache.clear();
  CHECK((cache.size() == 0 && !cache.holds(std::string(100, 'x'), 0)));
  done_cache none(0);
  none.add("a", 10);
  CHECK(!none.holds("a", 0));
}

TEST_CASE("a thousand keys in a cache for a hundred: the last hundred are there, whatever order they go in",
          "[claims]") {
  done_cache cache(100);
  const auto key = [](int n) { return "key-" + std::to_string(n * 7919 % 100'003); };
  for (int n = 0; n < 1'000; ++n) {
    cache.add(key(n), 1);
    if (n % 97 == 0) cache.expire(0);
    int there = 0;
    for (int k = 0; k <= n; ++k) there += cache.holds(key(k), 0);
    CAPTURE(n);
    REQUIRE(there == std::min(n + 1, 100));
    REQUIRE(cache.holds(key(std::max(0, n - 99)), 0));
  }
}
