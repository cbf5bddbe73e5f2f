// The steps over the store of a session, played by hand: who takes, who crashes, who comes too late.
#include "session.hpp"

#include "transports/memory/store_host.hpp"

using namespace postbus::steering_plugin;
using namespace postbus::tests;

namespace {

struct played {
  step what;
  result got;
};

// A session and its store; every step is answered at once.
struct desk {
  store_host store;
  session s{"s1", {3, 24h}};

  result play(step what) {
    played p{std::move(what), {}};
    const auto ops = p.what.ops.all();
    const auto answered = [](void* ctx, std::int32_t status, const void* results, const postbus_error* e) {
      auto& mine = *static_cast<played*>(ctx);
      mine.got = mine.what.read({status, results, mine.what.ops.all().size(), e});
    };
    store.interface<postbus_store>("postbus.store/1")
        ->execute(store.self(), ops.data(), ops.size(), {answered, &p});
    return p.got;
  }
  result push(const std::string& text, bool front = false) { return play(s.push(text, text, front)); }
  result cut(const std::string& text) { return play(s.cut(text, text)); }
  result take(const std::string& batch, const std::string& next, std::int64_t max = 0) {
    return play(s.take(batch, next, max));
  }
  values queued() { return play(s.peek(0, 0)).given; }
  values unconfirmed() { return play(s.peek(0, 0)).before; }
};

}  // namespace

TEST_CASE("items are taken in the order they were pushed in, one put to the front before them",
          "[steering]") {
  desk d;
  CHECK(d.push("a").queued == 1);
  d.push("b");
  CHECK(d.push("now", true).outcome == outcome::done);
  CHECK(d.take("", "1").given == values{"now", "a", "b"});
  CHECK(d.queued().empty());
}

TEST_CASE("a full inbox takes no more, and the same item again is the same item", "[steering]") {
  desk d;
  for (const char* text : {"a", "b", "c"}) d.push(text);
  CHECK(d.push("d").outcome == outcome::full);
  const result again = d.push("a");
  CHECK(again.outcome == outcome::duplicate);
  CHECK(again.why == "accepted");
  CHECK(d.queued() == values{"a", "b", "c"});
  d.take("", "1");
  CHECK(d.push("d").outcome == outcome::done);  // what was full was not written down
}

TEST_CASE("taking confirms the batch before, and takes the next", "[steering]") {
  desk d;
  d.push("a");
  d.push("b");
  CHECK(d.take("", "1", 1).given == values{"a"});
  CHECK(d.unconfirmed() == values{"a"});
  const result second = d.take("1", "2");
  CHECK(second.before == values{"a"});
  CHECK(second.given == values{"b"});
  CHECK(second.again == 0);
  CHECK(d.take("2", "3").before == values{"b"});
  CHECK(d.unconfirmed().empty());
}

TEST_CASE("after a crash what was not confirmed comes first, in its order, and what came since behind it",
          "[steering]") {
  desk d;
  for (const char* text : {"a", "b", "c"}) d.push(text);
  d.take("", "1", 2);
  d.push("d");
  const result first = d.take("", "2");
  CHECK(first.given == values{"a", "b", "c", "d"});
  CHECK(first.again == 2);
  CHECK(d.take("2", "3").before == values{"a", "b", "c", "d"});
}

TEST_CASE("a batch whose answer was lost is given again to who does not know its name", "[steering]") {
  desk d;
  d.push("a");
  d.take("", "1");
  d.push("b");
  d.take("1", "lost");  // confirmed a, took b; nobody heard
  const result again = d.take("", "2");
  CHECK(again.given == values{"b"});
  CHECK(again.again == 1);
}

TEST_CASE("a worker that others took over from neither confirms nor takes", "[steering]") {
  desk d;
  d.push("a");
  d.take("", "old");
  d.take("", "new");
  d.push("b");
  CHECK(d.take("old", "3").outcome == outcome::taken_over);
  CHECK(d.play(d.s.confirm("old")).outcome == outcome::taken_over);
  CHECK(d.play(d.s.end("old")).outcome == outcome::taken_over);
  CHECK(d.unconfirmed() == values{"a"});
  CHECK(d.queued() == values{"b"});
  CHECK(d.take("new", "3").given == values{"b"});
}

TEST_CASE("confirming is taking nothing more", "[steering]") {
  desk d;
  d.push("a");
  d.push("b");
  d.take("", "1", 1);
  CHECK(d.play(d.s.confirm("1")).before == values{"a"});
  CHECK(d.take("", "2").given == values{"b"});
}

TEST_CASE("a cut is alone in the inbox, tells who watches, and leaves the worker its name", "[steering]") {
  desk d;
  std::vector<std::string> heard;
  std::function<void(std::string_view, std::string_view)> changed = [&](std::string_view key,
                                                                        std::string_view note) {
    heard.push_back(std::string(key) + " " + std::string(note));
  };
  REQUIRE(d.store.watch("steering:", changed));
  d.push("a");
  d.push("b");
  d.take("", "1", 1);
  const result cut = d.cut("stop");
  CHECK(cut.before == values{"a"});
  CHECK(cut.given == values{"b"});
  CHECK(d.queued() == values{"stop"});
  d.store.clock().run_until_idle();
  CHECK(heard == values{"steering:s1 stop"});
  const result next = d.take("1", "2");
  CHECK(next.before.empty());
  CHECK(next.given == values{"stop"});
  CHECK(d.cut("stop").outcome == outcome::duplicate);
}

TEST_CASE("what is left when the session ends is late, and is there for the next one", "[steering]") {
  desk d;
  d.push("a");
  d.push("b");
  d.take("", "1", 1);
  const result over = d.play(d.s.end("1"));
  CHECK(over.before == values{"a"});
  CHECK(over.given == values{"b"});
  CHECK(d.push("c").outcome == outcome::late);
  CHECK(d.play(d.s.count()).ended);
  CHECK(d.take("", "2").given == values{"b", "c"});
  CHECK_FALSE(d.play(d.s.count()).ended);
  CHECK(d.push("d").outcome == outcome::done);
}

TEST_CASE("ended by somebody else, what a worker has goes back, for nobody said that it was seen",
          "[steering]") {
  desk d;
  d.push("a");
  d.push("b");
  d.take("", "1", 1);
  const result over = d.play(d.s.end(""));
  CHECK(over.before.empty());
  CHECK(over.given == values{"a", "b"});
  CHECK(d.play(d.s.confirm("1")).outcome == outcome::taken_over);
  CHECK(d.queued() == values{"a", "b"});
}

TEST_CASE("an abort after the end drops what is queued and does not meet the next session", "[steering]") {
  desk d;
  d.push("a");
  CHECK(d.play(d.s.cut_ended("x")).outcome == outcome::goes_on);
  d.play(d.s.end(""));
  CHECK(d.cut("stop").outcome == outcome::ended);
  const result late = d.play(d.s.cut_ended("stop"));
  CHECK(late.outcome == outcome::late);
  CHECK(late.given == values{"a"});
  CHECK(d.take("", "1").given.empty());
}

TEST_CASE("what is known of a session is kept for its ttl", "[steering]") {
  desk d;
  d.push("a");
  d.take("", "1");
  d.push("b");
  d.store.clock().advance(23h);
  CHECK(d.take("1", "2").given == values{"b"});
  d.store.clock().advance(25h);
  CHECK(d.take("2", "3").outcome == outcome::taken_over);
  CHECK(d.unconfirmed().empty());
}

TEST_CASE("what stands in the store and is no inbox fails with the store's words", "[steering]") {
  desk d;
  d.store.one([](postbus::sdk::store_ops& o) { o.set("steering:s1", "something else"); });
  const result r = d.push("a");
  CHECK(r.outcome == outcome::failed);
  CHECK(r.status == POSTBUS_E_INVALID);
  CHECK_FALSE(r.why.empty());
  CHECK(d.play(d.s.take("", "1", 0)).outcome == outcome::failed);
}
