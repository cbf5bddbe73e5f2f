// The atomic steps that features are made of, each a group of ops.
#include "store_host.hpp"

using namespace postbus::tests;
using postbus::sdk::store_op;
using postbus::sdk::store_ops;
using results = std::vector<op_result>;

namespace {

constexpr const char* done_key = "dd:g:src/id";

op_result claim(store_host& s, std::string_view token) {
  return DO(set(done_key, "p:" + std::string(token)).if_absent().ttl(60s));
}
op_result done(store_host& s, std::string_view token) {
  return DO(set(done_key, "d").if_equal("p:" + std::string(token)).if_absent().ttl(1h));
}

results enter(store_host& s, std::string_view delivery) {
  return s.all([&](store_ops& o) {
    o.check("paused:42").if_absent().in_group(1);
    o.zset_put("inflight:42", delivery, std::chrono::nanoseconds(15s).count()).store_time().in_group(1);
  });
}
// From the epoch that was read to the next one; watchers are told in the same step.
results change(store_host& s, std::int64_t seen, std::string_view state) {
  return s.all([&](store_ops& o) {
    const std::string next = std::to_string(seen + 1);
    auto same = o.check("brake_state:42").field("epoch").in_group(1);
    seen == 0 ? same.if_absent() : same.if_equal(std::to_string(seen));
    o.hash_set("brake_state:42", "epoch", next).in_group(1);
    o.hash_set("brake_state:42", "state", state).in_group(1);
    if (state == "running") o.erase("paused:42").in_group(1);
    else o.set("paused:42", next).in_group(1);
    o.notify("paused:42", next + ":" + std::string(state)).in_group(1);
  });
}
// The delivery is still registered, and its registration has not lapsed; and is gone with this.
op_result leave(store_host& s, std::string_view delivery) {
  return DO(zset_erase("inflight:42", delivery).store_time().if_at_most());
}

results push(store_host& s, std::string_view text, std::int64_t most = 1000) {
  return s.all([&](store_ops& o) {
    o.push("steering:s1", text).limit(most).ttl(24h).in_group(1);
    o.notify("steering:s1").in_group(1);
  });
}
results take(store_host& s) {
  return s.all([](store_ops& o) {
    o.erase("steering:inflight:s1").in_group(1);
    o.take("steering:s1").to("steering:inflight:s1").limit(2).in_group(1);
  });
}

results lock(store_host& s, std::string_view owner) {
  return s.all([&](store_ops& o) {
    o.set("lock:r", owner).if_absent().ttl(15s).in_group(1);
    o.add("fence:r", 1).in_group(1);
  });
}
results fenced_write(store_host& s, std::int64_t fence, std::string_view value) {
  return s.all([&](store_ops& o) {
    o.set("fenceseen:r", fence).if_at_least().in_group(1);
    o.set("data:r", value).in_group(1);
  });
}

}  // namespace

TEST_CASE("dedup: of two claims one is given, and the other sees who holds it", "[store][recipe]") {
  store_host s;
  CHECK(claim(s, "one") == ok());
  CHECK(claim(s, "two") == conflict({"p:one"}));
  s.clock().advance(60s);
  CHECK(claim(s, "two") == ok());
}

TEST_CASE("dedup: what is done stays done for the window, and is no claim of anyone", "[store][recipe]") {
  store_host s;
  claim(s, "one");
  CHECK(done(s, "one") == ok());
  CHECK(claim(s, "two") == conflict({"d"}));
  s.clock().advance(1h);
  CHECK(claim(s, "two") == ok());
  CHECK(done(s, "one") == conflict({"p:two"}));
}

TEST_CASE("dedup: done may come after the claim expired", "[store][recipe]") {
  store_host s;
  claim(s, "one");
  s.clock().advance(60s);
  CHECK(done(s, "one") == ok());
}

TEST_CASE("dedup: only one's own claim is released", "[store][recipe]") {
  store_host s;
  claim(s, "one");
  CHECK(DO(erase(done_key).if_equal("p:two")) == conflict({"p:one"}));
  CHECK(DO(erase(done_key).if_equal("p:one")) == ok(1));
  CHECK(claim(s, "two") == ok());
}

TEST_CASE("dedup: only one's own claim is renewed, and one that expired is not", "[store][recipe]") {
  store_host s;
  claim(s, "one");
  s.clock().advance(59s);
  CHECK(DO(expire(done_key, 60s).if_equal("p:one")) == ok(1));
  CHECK(DO(expire(done_key, 60s).if_equal("p:two")) == conflict({"p:one"}));
  s.clock().advance(59s);
  CHECK(claim(s, "two") == conflict({"p:one"}));
  s.clock().advance(1s);
  CHECK(DO(expire(done_key, 60s).if_equal("p:one")) == conflict());
}

TEST_CASE("brake: the gate registers what may run, and nothing while paused", "[store][recipe]") {
  store_host s;
  const std::int64_t end = s.clock().wall_ns() + std::chrono::nanoseconds(15s).count();
  CHECK(enter(s, "node7:5:1") == results{ok(0), ok(end)});
  DO(set("paused:42", "anything"));
  CHECK(enter(s, "node7:5:2") == results{conflict({"anything"}), cancelled()});
  CHECK(DO(zset_range("inflight:42", 0)) == ok(1, {"node7:5:1", std::to_string(end)}));
}

TEST_CASE("brake: the first pause makes the state, and only one of two does", "[store][recipe]") {
  store_host s;
  CHECK(change(s, 0, "pausing") == results{ok(0), ok(1), ok(1), ok(), ok()});
  CHECK(change(s, 0, "pausing") ==
        results{conflict({"1"}), cancelled(), cancelled(), cancelled(), cancelled()});
  CHECK(DO(hash_all("brake_state:42")) == ok(2, {"epoch", "1", "state", "pausing"}));
  CHECK(DO(get("paused:42")) == ok(1, {"1"}));
}

TEST_CASE("brake: a change goes from the epoch that was read, and watchers are told of it alone",
          "[store][recipe]") {
  store_host s;
  std::vector<std::string> heard;
  std::function<void(std::string_view, std::string_view)> changed =
      [&](std::string_view, std::string_view note) { heard.emplace_back(note); };
  REQUIRE(s.watch("paused:", changed));
  change(s, 0, "pausing");
  CHECK(change(s, 1, "paused").front() == ok(1));
  CHECK(change(s, 1, "partial").front() == conflict({"2"}));
  CHECK(DO(get("brake_state:42", "state")) == ok(0, {"paused"}));
  CHECK(heard == values{"1:pausing", "2:paused"});
}

TEST_CASE("brake: resume takes the pause away, and the gate lets in again", "[store][recipe]") {
  store_host s;
  change(s, 0, "paused");
  CHECK(enter(s, "d").front() == conflict({"1"}));
  CHECK(change(s, 1, "running").front() == ok(1));
  CHECK(DO(check("paused:42")) == ok(0));
  CHECK(enter(s, "d").front() == ok(0));
}

TEST_CASE("brake: verifying reads who is registered and whose registration lapsed, and erases nothing",
          "[store][recipe]") {
  store_host s;
  enter(s, "old");
  s.clock().advance(10s);
  enter(s, "new");
  s.clock().advance(5s + 1ns);
  const auto found = s.all([](store_ops& o) {
    o.zset_range("inflight:42", 0).limit(1000);
    o.zset_range("inflight:42", -1).store_time().front();
    o.zset_range("inflight:42", 0).store_time();
  });
  CHECK(found[0].number == 2);
  CHECK(found[0].values.size() == 4);
  REQUIRE(found[1].values.size() == 2);
  CHECK(found[1].values[0] == "old");
  REQUIRE(found[2].values.size() == 2);
  CHECK(found[2].values[0] == "new");
}

TEST_CASE("brake: a registration is renewed as long as it is there, also one that lapsed",
          "[store][recipe]") {
  store_host s;
  const auto renew = [&] {
    return DO(zset_put("inflight:42", "d", std::chrono::nanoseconds(15s).count()).store_time().if_present());
  };
  CHECK(renew() == conflict());
  enter(s, "d");
  s.clock().advance(1min);
  CHECK(renew() == ok(s.clock().wall_ns() + std::chrono::nanoseconds(15s).count()));
  CHECK(leave(s, "d") == ok(1));
}

TEST_CASE("brake: what ends is registered no longer", "[store][recipe]") {
  store_host s;
  enter(s, "d");
  enter(s, "e");
  CHECK(DO(zset_erase("inflight:42", "d")) == ok(1));
  CHECK(DO(zset_count("inflight:42", 0)) == ok(1));
}

TEST_CASE("brake: a settlement whose registration lapsed or is gone is fenced off", "[store][recipe]") {
  store_host s;
  CHECK(leave(s, "never") == conflict());
  enter(s, "d");
  s.clock().advance(15s);
  CHECK(leave(s, "d") == ok(1));
  CHECK(leave(s, "d") == conflict());
  enter(s, "e");
  const std::string end = std::to_string(s.clock().wall_ns() + std::chrono::nanoseconds(15s).count());
  s.clock().advance(15s + 1ns);
  CHECK(leave(s, "e") == conflict({end}));
}

TEST_CASE("steering: a push has a cap and a ttl, and tells the worker", "[store][recipe]") {
  store_host s;
  int told = 0;
  std::function<void(std::string_view, std::string_view)> changed = [&](auto, auto) { ++told; };
  REQUIRE(s.watch("steering:s1", changed));
  CHECK(push(s, "a", 1) == results{ok(1), ok()});
  CHECK(push(s, "b", 1) == results{full(1), cancelled()});
  CHECK(told == 1);
  s.clock().advance(24h);
  CHECK(DO(length("steering:s1")) == ok(0));
}

TEST_CASE("steering: an abort drops what is queued and is alone there", "[store][recipe]") {
  store_host s;
  push(s, "a");
  push(s, "b");
  CHECK(s.all([](store_ops& o) {
    o.erase("steering:s1").in_group(1);
    o.push("steering:s1", "stop").in_group(1);
    o.notify("steering:s1", "abort").in_group(1);
  }) == results{ok(1), ok(1), ok()});
  CHECK(DO(list("steering:s1")) == ok(1, {"stop"}));
}

TEST_CASE("steering: taking confirms what was taken before and takes the next, in one step",
          "[store][recipe]") {
  store_host s;
  for (const char* text : {"a", "b", "c"}) push(s, text);
  CHECK(take(s) == results{ok(0), ok(1, {"a", "b"})});
  CHECK(DO(list("steering:inflight:s1")) == ok(2, {"a", "b"}));
  CHECK(take(s) == results{ok(1), ok(0, {"c"})});
  CHECK(DO(list("steering:inflight:s1")) == ok(1, {"c"}));
  CHECK(take(s) == results{ok(1), ok()});
  CHECK(DO(check("steering:inflight:s1")) == ok(0));
}

TEST_CASE("steering: the first take after a crash gives again what was taken and not confirmed",
          "[store][recipe]") {
  store_host s;
  for (const char* text : {"a", "b", "c"}) push(s, text);
  take(s);
  push(s, "d");
  CHECK(s.all([](store_ops& o) {
    o.take("steering:inflight:s1").to("steering:s1").front().in_group(1);
    o.take("steering:s1").to("steering:inflight:s1").limit(3).in_group(1);
  }) == results{ok(0, {"a", "b"}), ok(1, {"a", "b", "c"})});
}

TEST_CASE("lock: one holds it, with a fence that rises with each holder", "[store][recipe]") {
  store_host s;
  CHECK(lock(s, "one") == results{ok(), ok(1)});
  CHECK(lock(s, "two") == results{conflict({"one"}), cancelled()});
  s.clock().advance(15s);
  CHECK(lock(s, "two") == results{ok(), ok(2)});
}

TEST_CASE("lock: only its holder unlocks it", "[store][recipe]") {
  store_host s;
  lock(s, "one");
  CHECK(DO(erase("lock:r").if_equal("two")) == conflict({"one"}));
  CHECK(DO(erase("lock:r").if_equal("one")) == ok(1));
  CHECK(lock(s, "two").front() == ok());
}

TEST_CASE("lock: only its holder renews it, in time", "[store][recipe]") {
  store_host s;
  lock(s, "one");
  s.clock().advance(14s);
  CHECK(DO(expire("lock:r", 15s).if_equal("one")) == ok(1));
  s.clock().advance(14s);
  CHECK(lock(s, "two").front() == conflict({"one"}));
  s.clock().advance(1s);
  CHECK(DO(expire("lock:r", 15s).if_equal("one")) == conflict());
}

TEST_CASE("lock: a write with an older fence is refused once a newer one was seen", "[store][recipe]") {
  store_host s;
  CHECK(fenced_write(s, 17, "v") == results{ok(17), ok()});
  CHECK(fenced_write(s, 17, "w") == results{ok(17), ok()});
  CHECK(fenced_write(s, 18, "x") == results{ok(18), ok()});
  CHECK(fenced_write(s, 17, "late") == results{conflict({"18"}), cancelled()});
  CHECK(DO(get("data:r")) == ok(0, {"x"}));
}
