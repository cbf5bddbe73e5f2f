// What dedup promises, over a whole bus.
#include "dedup_buses.hpp"
#include "refusal.hpp"

#include <postbus/dedup.hpp>

using namespace postbus;
using namespace postbus::tests;

TEST_CASE("an event that was handled is not handled again, until the window is over", "[dedup]") {
  dedup_buses t;
  bus& b = t.open({{"plugin.dedup.window", "10m"}});
  int effects = 0;
  const auto s = b.subscribe(
      "job", [&](const delivery&) { ++effects; }, workers());
  for (int n = 0; n < 3; ++n) t.publish(b, "e1");
  t.clock.run_until_idle();
  CHECK(effects == 1);
  CHECK((s.counts().acked == 1 && s.counts().dropped == 2));
  CHECK(t.stat(b, "duplicates") == 2);
  t.clock.advance(10min);
  t.publish(b, "e1");
  t.clock.run_until_idle();
  CHECK(effects == 2);
}

TEST_CASE("a first attempt that failed is tried again, and a copy after it is dropped", "[dedup]") {
  dedup_buses t;
  bus& b = t.open();
  int attempts = 0;
  const auto s = b.subscribe(
      "job",
      [&](const delivery& d) {
        ++attempts;
        if (d.attempt() < 3) throw std::runtime_error("not yet");
      },
      workers());
  t.publish(b, "e1");
  t.clock.advance(1s);
  CHECK(attempts == 3);
  t.publish(b, "e1");
  t.clock.advance(1s);
  CHECK(attempts == 3);
}

TEST_CASE("equal data with other ids is no copy, and other data with the same id is one", "[dedup]") {
  dedup_buses t;
  bus& b = t.open();
  std::string seen;
  const auto s = b.subscribe(
      "job", [&](const delivery& d) { seen += d.text(); }, workers());
  t.publish(b, "e1", "a");
  t.publish(b, "e2", "a");
  t.publish(b, "e2", "b");
  t.clock.run_until_idle();
  CHECK(seen == "aa");
}

TEST_CASE("the same id from another source is another event", "[dedup]") {
  dedup_buses t;
  bus &one = t.open({{"bus.name", "one"}}), &other = t.open({{"bus.name", "other"}});
  int effects = 0;
  const auto s = one.subscribe(
      "job", [&](const delivery&) { ++effects; }, workers());
  t.publish(one, "e1");
  t.publish(other, "e1");
  t.clock.run_until_idle();
  CHECK(effects == 2);
}

TEST_CASE("what is an event's key is for the configuration to say", "[dedup]") {
  const auto [key, expected] = GENERATE(table<std::string, std::string>(
      {{"hash", "a1 b1 "}, {"json:/n", "a1 "}, {"header:job", "a1 "}, {"param:what", "a1 "}}));
  CAPTURE(key);
  dedup_buses t;
  bus& b = t.open({{"plugin.dedup.topics", "[\"job:{what}\"]"}, {"plugin.dedup.key", key}});
  std::string seen;
  const auto s = b.subscribe(
      "job:*", [&](const delivery& d) { seen += d.json().at("t").as_string().c_str() + std::string(" "); },
      workers());
  const header same[] = {{"job", "7"}};
  for (const char* text : {R"({"t":"a1","n":1})", R"({"t":"a1","n":1})", R"({"t":"b1","n":1})"}) {
    publish_options options;
    options.headers = same;
    b.publish("job:tea", text, options);
  }
  t.clock.run_until_idle();
  CHECK(seen == expected);
}

TEST_CASE("an event without the configured key goes by, and is counted", "[dedup]") {
  dedup_buses t;
  bus& b = t.open({{"plugin.dedup.key", "header:job"}});
  int effects = 0;
  const auto s = b.subscribe(
      "job", [&](const delivery&) { ++effects; }, workers());
  t.publish(b, "e1");
  t.publish(b, "e1");
  t.clock.run_until_idle();
  CHECK(effects == 2);
  CHECK(t.stat(b, "without_key") == 2);
}

TEST_CASE("an event whose key is too long is rejected, and says why", "[dedup]") {
  dedup_buses t;
  bus& b = t.open();
  const auto s = b.subscribe(
      "job", [](const delivery&) {}, workers());
  t.publish(b, std::string(2'000, 'x'));
  t.clock.run_until_idle();
  CHECK(s.counts().dead == 1);
  CHECK(b.call("dead.list", R"({"box": "workers"})").find("dedup: key_too_long") != std::string::npos);
}

TEST_CASE("two groups, a group at two patterns, and those without a group each get the event once",
          "[dedup]") {
  dedup_buses t;
  bus& b = t.open();
  std::map<std::string, int> effects;
  std::vector<subscription> all;
  const auto listen = [&](const char* who, const char* pattern, const char* group) {
    auto options = workers();
    options.group = group;
    all.push_back(b.subscribe(
        pattern, [&effects, who](const delivery&) { ++effects[who]; }, options));
  };
  listen("a", "job", "a");
  listen("b", "job", "b");
  listen("b at {x}", "{x}", "b");
  listen("one", "job", "");
  listen("other", "job", "");
  t.publish(b, "e1");
  t.publish(b, "e1");
  t.clock.run_until_idle();
  CHECK(effects == std::map<std::string, int>{{"a", 1}, {"b", 1}, {"b at {x}", 1}, {"one", 1}, {"other", 1}});
}

TEST_CASE("what is ready is claimed with one call of the store, and done with another", "[dedup]") {
  dedup_buses t;
  bus& b = t.open({{"store.answers", GENERATE(as<std::string>(), "at-once", "later")}});
  std::string order, expected;
  const auto s = b.subscribe(
      "job", [&](const delivery& d) { order += d.text(); }, workers());
  for (char c = 'A'; c < 'A' + 32; ++c) {
    t.publish(b, std::string(1, c), std::string(1, c));
    expected += c;
  }
  t.clock.run_until_idle();
  CHECK(order == expected);
  CHECK(t.stat(b, "store_calls") == 2);
}

TEST_CASE("what another bus of the group handled is dropped here", "[dedup]") {
  dedup_buses t;
  bus &one = t.open(), &other = t.open();
  int effects = 0;
  {
    const auto s = one.subscribe(
        "job", [&](const delivery&) { ++effects; }, workers());
    t.publish(one, "e1");
    t.clock.run_until_idle();
  }
  const auto s = other.subscribe(
      "job", [&](const delivery&) { ++effects; }, workers());
  t.publish(one, "e1");
  t.clock.run_until_idle();
  t.publish(one, "e1");
  t.clock.run_until_idle();
  CHECK(effects == 1);
  CHECK((t.stat(other, "duplicates") == 2 && t.stat(other, "duplicates_known_here") == 1));
}

namespace {

// Two buses, of which the first has the event, and the second its copy.
struct first_and_copy : dedup_buses {
  explicit first_and_copy(const settings& own = {}) : one(open(own)), other(open(own)) {
    a = one.subscribe(
        "job", [&](const delivery& d) { first.push_back(d.defer()); }, workers());
    publish(one, "e1");
    clock.run_until_idle();
    REQUIRE(first.size() == 1);
    auto options = workers();
    options.prefetch = 1;
    b = other.subscribe(
        "job", [&](const delivery& d) { second += d.id(); }, options);
    for (int n = 0; n < 4 && stat(other, "waiting") == 0; ++n) publish(one, "e1");  // one of them goes there
    clock.run_until_idle();
    waiting = stat(one, "waiting") + stat(other, "waiting");
    REQUIRE(stat(other, "waiting") > 0);
  }
  bus &one, &other;
  subscription a, b;
  std::vector<settlement> first;
  std::string second;
  std::int64_t waiting = 0;
};

}  // namespace

TEST_CASE("a copy that comes while the first runs is parked, and dropped when that is done", "[dedup]") {
  const std::string answers = GENERATE("at-once", "later");
  first_and_copy t({{"store.answers", answers}});
  t.publish(t.one, "e2", "x", "job");  // others are not held up by it
  t.publish(t.one, "e3", "x", "job");
  t.clock.run_until_idle();
  CHECK((t.second == "e2" || t.second == "e3" || t.first.size() == 3));
  t.first[0].ack();
  t.clock.run_until_idle();
  CHECK(t.second.find("e1") == t.second.npos);
  CHECK(t.stat(t.one, "waiting") + t.stat(t.other, "waiting") == 0);
  CHECK(t.stat(t.one, "duplicates") + t.stat(t.other, "duplicates") == t.waiting);
  CHECK(t.a.counts().acked >= 1);
}

TEST_CASE("a copy takes over when the first fails, and the retry of the first is then the copy", "[dedup]") {
  const std::string answers = GENERATE("at-once", "later");
  first_and_copy t({{"store.answers", answers}});
  t.first[0].retry(1min);
  t.clock.run_until_idle();
  const auto taken_over = t.stat(t.one, "taken_over") + t.stat(t.other, "taken_over");
  CHECK(taken_over == 1);
  if (t.first.size() > 1) t.first[1].ack();
  t.clock.advance(2min);
  CHECK((t.second == "e1" || t.first.size() == 2));
  CHECK(t.a.counts().acked + t.b.counts().acked == 1);
  CHECK(t.stat(t.one, "waiting") + t.stat(t.other, "waiting") == 0);
}

TEST_CASE("a claim is renewed as long as its handler runs", "[dedup]") {
  first_and_copy t;
  t.clock.advance(1h);
  CHECK(t.second.empty());
  CHECK(t.stat(t.other, "waiting") > 0);
  t.first[0].ack();
  t.clock.run_until_idle();
  CHECK(t.second.empty());
  CHECK(t.stat(t.other, "waiting") == 0);
}

TEST_CASE("a parked copy leaves its subscription to others, also where the store answers late", "[dedup]") {
  dedup_buses t;
  bus& b = t.open({{"store.answers", "later"}});
  std::vector<settlement> first;
  std::string seen;
  auto options = workers();
  options.prefetch = 2;
  const auto s = b.subscribe(
      "job",
      [&](const delivery& d) {
        if (d.text() == "long") return first.push_back(d.defer());
        seen += d.id();
      },
      options);
  t.publish(b, "e1", "long");
  t.clock.run_until_idle();
  t.publish(b, "e1", "long");
  t.clock.run_until_idle();
  CHECK(t.stat(b, "waiting") == 1);
  t.publish(b, "e2");
  t.publish(b, "e3");
  t.clock.run_until_idle();
  CHECK(seen == "e2e3");
  first[0].ack();
  t.clock.run_until_idle();
  CHECK((s.counts().acked == 3 && s.counts().dropped == 1));
}

TEST_CASE("a dead letter is released: requeued, it is no copy", "[dedup]") {
  dedup_buses t;
  bus& b = t.open();
  bool broken = true;
  int effects = 0;
  const auto s = b.subscribe(
      "job",
      [&](const delivery&) {
        if (broken) throw reject{"broken"};
        ++effects;
      },
      workers());
  t.publish(b, "e1");
  t.clock.run_until_idle();
  CHECK(s.counts().dead == 1);
  broken = false;
  b.call("dead.requeue", R"({"box": "workers", "all": true})");
  t.clock.run_until_idle();
  CHECK(effects == 1);
  t.publish(b, "e1");
  t.clock.run_until_idle();
  CHECK(effects == 1);
}

TEST_CASE("what a later feature drops counts as done", "[dedup]") {
  dedup_buses t;
  bool drops = true;
  config c = t.configured().set("bus.features", "[]");
  c.intercept(
      "filter",
      [&](interception& i) {
        if (drops) i.drop();
      },
      stages::deliver);
  bus b(c.feature("dedup"));  // which deliveries meet first
  int effects = 0;
  const auto s = b.subscribe(
      "job", [&](const delivery&) { ++effects; }, workers());
  t.publish(b, "e1");
  t.clock.run_until_idle();
  drops = false;
  t.publish(b, "e1");
  t.clock.run_until_idle();
  CHECK(effects == 0);
  CHECK(t.stat(b, "duplicates") == 1);
}

TEST_CASE("an event is handled while the store is away, or waits for it", "[dedup]") {
  const bool waits = GENERATE(true, false);
  dedup_buses t;
  settings own = faulty_store;
  own.emplace_back("plugin.dedup.on_store_down", waits ? "wait" : "pass");
  bus& b = t.open(own);
  int effects = 0;
  const auto s = b.subscribe(
      "job", [&](const delivery&) { ++effects; }, workers());
  b.call("faults-store.set", R"({"fail": 1})");
  t.publish(b, "e1");
  t.clock.advance(1min);
  CHECK(effects == (waits ? 0 : 1));
  CHECK(b.health().state == health_state::degraded);
  b.call("faults-store.set", R"({"fail": 0})");
  t.clock.advance(1s);
  t.publish(b, "e1");
  t.clock.advance(1s);
  CHECK(effects == 1);  // where it passed, this process knows
  CHECK(t.stat(b, "unclaimed") == (waits ? 0 : 1));
  CHECK((s.counts().acked == 1 && s.counts().dropped == 1));
  t.publish(b, "e2");
  t.clock.run_until_idle();
  CHECK(b.health().state == health_state::healthy);
}

TEST_CASE("on a transport that keeps nothing an event does not wait for the store", "[dedup]") {
  dedup_buses t;
  bus& b = t.open(faulty_store);
  int effects = 0;
  const auto s = b.subscribe(
      "job", [&](const delivery&) { ++effects; }, workers());
  b.call("faults-store.set", R"({"fail": 1})");
  t.publish(b, "e1");
  t.clock.run_until_idle();
  CHECK((effects == 1 && s.counts().acked == 1));
}

TEST_CASE("an ack waits until the store has that it is done", "[dedup]") {
  dedup_buses t;
  settings own = faulty_store;
  own.emplace_back("plugin.dedup.on_store_down", "wait");
  bus& b = t.open(own);
  const auto s = b.subscribe(
      "job", [&](const delivery&) { b.call("faults-store.set", R"({"fail": 1})"); }, workers());
  t.publish(b, "e1");
  t.clock.advance(3s);
  CHECK(s.counts().acked == 0);
  b.call("faults-store.set", R"({"fail": 0})");
  t.clock.advance(1s);
  CHECK(s.counts().acked == 1);
}

TEST_CASE("what an outage kept from being written is written after it", "[dedup]") {
  dedup_buses t;
  bus &one = t.open(faulty_store), &other = t.open();
  int effects = 0;
  {
    const auto s = one.subscribe(
        "job",
        [&](const delivery&) {
          ++effects;
          one.call("faults-store.set", R"({"fail": 1})");
        },
        workers());
    t.publish(one, "e1");
    t.clock.advance(10s);
    CHECK(s.counts().acked == 1);
    one.call("faults-store.set", R"({"fail": 0})");
    t.clock.advance(1s);
  }
  const auto s = other.subscribe(
      "job", [&](const delivery&) { ++effects; }, workers());
  t.publish(one, "e1");
  t.clock.run_until_idle();
  CHECK(effects == 1);
}

TEST_CASE("a publish of what was published within the window is dropped, and answers ok", "[dedup]") {
  dedup_buses t;
  bus& b = t.open({{"plugin.dedup.publish", "true"}});
  int seen = 0;
  const auto s = b.subscribe("job", [&](const delivery&) { ++seen; });
  t.publish(b, "e1");
  t.publish(b, "e1");
  t.publish(b, "e2");
  t.clock.run_until_idle();
  CHECK(seen == 2);
  t.clock.advance(1h);
  t.publish(b, "e1");
  t.clock.run_until_idle();
  CHECK(seen == 3);
}

TEST_CASE("a publish that failed is released", "[dedup]") {
  dedup_buses t;
  bus& b = t.open({{"plugin.dedup.publish", "true"}, {"transport.queue_max", "1"}});
  publish_options options;
  options.id = "e1";
  options.deadline = 0s;
  auto o = workers();
  o.prefetch = 1;
  std::vector<settlement> kept;
  const auto s = b.subscribe(
      "job", [&](const delivery& d) { kept.push_back(d.defer()); }, o);
  t.publish(b, "e0");
  t.clock.run_until_idle();
  t.publish(b, "e00");
  error_code ec;
  b.publish("job", "x", options, ec);
  CHECK(ec == error::full);
  kept[0].ack();
  t.clock.run_until_idle();
  b.publish("job", "x", options, ec);
  CHECK(!ec);
  kept[1].ack();
  t.clock.run_until_idle();
  CHECK(kept.size() == 3);
}

TEST_CASE("nothing but what is done is left in the store, and no timer", "[dedup]") {
  dedup_buses t;
  bus& b = t.open();
  const auto s = b.subscribe(
      "job",
      [](const delivery& d) {
        if (d.text() == "bad") throw reject{"bad"};
      },
      workers());
  t.publish(b, "e1");
  t.publish(b, "e2", "bad");
  t.publish(b, "e1");
  t.clock.run_until_idle();
  CHECK((t.stat(b, "running") == 0 && t.stat(b, "done_ids") == 1 && t.stat(b, "known_ids") == 1));
  t.clock.advance(2h);
  CHECK(t.clock.pending_timers() == 0);
}

TEST_CASE("dedup forgets an event, in every bus, and says what it knows", "[dedup]") {
  dedup_buses t;
  bus &one = t.open(), &other = t.open();
  int effects = 0;
  const auto s = one.subscribe(
      "job", [&](const delivery&) { ++effects; }, workers());
  t.publish(one, "e1");
  t.publish(one, "e1");
  t.clock.run_until_idle();
  dedup face(other);
  CHECK(face.forget({.group = "workers", .pattern = "job"}, "postbus", "e1"));
  t.clock.run_until_idle();
  CHECK(!face.forget({.group = "workers", .pattern = "job"}, "postbus", "e1"));
  t.publish(one, "e1");
  t.clock.run_until_idle();
  CHECK(effects == 2);
  const dedup_stats figures = dedup(one).stats();
  CHECK((figures.claimed == 2 && figures.duplicates == 1 && figures.done_ids == 2));
  CHECK(figures.bytes_per_done_id > 24);
}

TEST_CASE("what forget is to forget has to be said", "[dedup]") {
  dedup_buses t;
  bus& b = t.open();
  for (const char* json :
       {"{}", "[]", R"({"group": "g", "id": "e"})", R"({"group": "g", "pattern": "p"})",
        R"({"group": "g", "pattern": "p", "id": "e"})", R"({"group": 7})", R"({"colour": "red"})",
        R"({"publish": true, "group": "g", "source": "s", "id": "e"})",
        R"({"publish": true, "key": "k", "source": "s", "id": "e"})"}) {
    CAPTURE(json);
    const error e = refusal([&] { b.call("dedup.forget", json); });
    CHECK(e.code() == error::bad_argument);
    CHECK(std::string(e.what()).find("expected") != std::string::npos);
  }
}
