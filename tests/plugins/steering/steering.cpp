// The feature on a bus: topics, receipts, stops, and what is refused.
#include "core/refusal.hpp"
#define POSTBUS_MODULE foreign_module
#define POSTBUS_PLUGIN_MANIFEST                                                                                        \
  R"({"id": "foreign", "version": "1.0.0", "abi": 1, "provides": ["postbus.control/1"], "methods": ["rpush", "set"],)" \
  R"( "requires": ["postbus.store/1"]})"
#include "steered.hpp"

#include <postbus/sdk/plugin.hpp>
#include <postbus/sdk/store_client.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

using namespace postbus;
using namespace postbus::tests;
using lines = std::vector<std::string>;

namespace {

// Another program that knows the keys: pushes its argument on the list of the session s1, or puts it in the place of the list.
class foreign {
 public:
  explicit foreign(sdk::context& ctx) : store_(ctx) {}
  void call(std::string_view method, std::string_view text, sdk::completion<std::string_view>&& done) {
    sdk::store_ops ops;
    if (method == "rpush") ops.push("steering:s1", text);
    else ops.set("steering:s1", text);
    store_.execute(std::move(ops),
                   [done = std::move(done)](const sdk::store_answer&) mutable { done.ok("{}"); });
  }

 private:
  sdk::store_client store_;
};

// A handler that runs until it is asked to stop: it has taken its settlement along.
struct long_work {
  explicit long_work(bus& b, std::string_view pattern = "work:{session_id}")
      : s(b.subscribe(pattern, [this](const delivery& d) { open.push_back(d.defer()); })) {}
  bool is_stopped(std::size_t i = 0) const { return open.at(i).stop_requested(); }
  std::vector<settlement> open;
  subscription s;
};

struct one_bus {
  explicit one_bus(const settings& own = {}) : t(clock, own), heard(t.b) {}
  testing::manual_clock clock;
  steered_bus t;
  receipts_heard heard;
};

}  // namespace

POSTBUS_PLUGINS(POSTBUS_PLUGIN("foreign", foreign))

TEST_CASE("a message is accepted, and seen once its worker came back", "[steering]") {
  one_bus o;
  steering who(o.t.b, "s1"), worker(o.t.b, "s1");
  const auto r = who.push("rather in French", {.sender = "ann", .target_agent = "writer", .id = "m1"});
  o.clock.run_until_idle();
  CHECK(r.id == "m1");
  CHECK(r.status == "accepted");
  CHECK(o.heard.take() == lines{"accepted m1"});
  const auto got = worker.take_all();
  REQUIRE(got.size() == 1);
  CHECK(got[0].text == "rather in French");
  CHECK(got[0].sender == "ann");
  CHECK(got[0].target_agent == "writer");
  CHECK(got[0].timestamp == "2026-01-01T00:00:00Z");
  CHECK_FALSE(got[0].is_abort);
  CHECK_FALSE(got[0].again);
  o.clock.run_until_idle();
  CHECK(o.heard.take().empty());
  CHECK(who.status("m1") == "accepted");
  CHECK(worker.take_all().empty());
  o.clock.run_until_idle();
  CHECK(o.heard.take() == lines{"seen m1"});
  CHECK(who.status("m1") == "seen");
  CHECK(who.status("m2") == "unknown");
}

TEST_CASE("a message may be published, as a text or as other programs write it", "[steering]") {
  one_bus o;
  publish_options named;
  named.id = "e1";
  o.t.b.publish("agent:steer:s1", "rather in French", named);
  named.id = "e2";
  o.t.b.publish("agent:steer:s1", R"({"text":"and short","sender":"bob","timestamp":17,"is_abort":false})",
                named);
  o.clock.run_until_idle();
  CHECK(o.heard.take() == lines{"accepted postbus/e1", "accepted postbus/e2"});
  const auto got = steering(o.t.b, "s1").take_all();
  REQUIRE(got.size() == 2);
  CHECK(got[0].text == "rather in French");
  CHECK(got[0].timestamp == "2026-01-01T00:00:00Z");
  CHECK(got[1].text == "and short");
  CHECK(got[1].sender == "bob");
  CHECK(got[1].timestamp == "17");
}

TEST_CASE("of several buses that hear of a message one pushes it", "[steering]") {
  testing::manual_clock clock;
  const settings shared{{"transport.instance", "steering-hear"}, {"store.instance", "steering-hear"}};
  steered_bus one(clock, shared), other(clock, shared);
  one.b.publish("agent:steer:s1", "x");
  clock.run_until_idle();
  CHECK(steering(other.b, "s1").take_all().size() == 1);
}

TEST_CASE("an event that has no session, or no text, is no message", "[steering]") {
  testing::manual_clock clock;
  std::vector<std::string> said;
  bus b(with_steering({{"plugin.steering.listens", R"({"steer:{who}" = "event"})"}, {"log.level", "warn"}})
            .log_to([&](const log_line& l) { said.emplace_back(l.message); })
            .clock(clock));
  b.publish("steer:s1", "x");
  b.publish("agent:steer:s1", "\xff");
  clock.run_until_idle();
  CHECK(said.size() == 2);
  CHECK(steering(b, "s1").peek().empty());
}

TEST_CASE("the topic and the capture are what the configuration says", "[steering]") {
  one_bus o(
      {{"plugin.steering.listens", R"({"chat:{chat}:steer" = "event", "agent:steer:{session_id}" = ""})"},
       {"plugin.steering.capture", "chat"},
       {"plugin.steering.status", "chat:{chat}:receipts"}});
  receipts_heard heard(o.t.b, "chat:*:receipts");
  long_work w(o.t.b, "work:{chat}");
  o.t.b.publish("work:s1", "");
  o.t.b.publish("agent:steer:s1", "not heard");
  o.t.b.publish("chat:s1:steer", "stop");
  o.clock.run_until_idle();
  CHECK(heard.take().size() == 1);
  CHECK(w.is_stopped());
  CHECK(steering(o.t.b, "s1").peek().size() == 1);
}

TEST_CASE("an abort drops what is queued and stops the deliveries of its session, in every process",
          "[steering]") {
  testing::manual_clock clock;
  const settings shared{{"store.instance", "steering-abort"}};
  steered_bus here(clock, shared), there(clock, shared);
  receipts_heard heard(here.b);
  long_work near(here.b), far(there.b);
  for (bus* b : {&here.b, &there.b}) {
    b->publish("work:s1", "");
    b->publish("work:s2", "");
  }
  clock.run_until_idle();
  steering who(here.b, "s1");
  who.push("a", {.id = "a"});
  CHECK(who.push("Stop!", {.id = "stop"}).status == "accepted");
  CHECK_FALSE(far.is_stopped(0));
  clock.run_until_idle();
  CHECK(near.is_stopped(0));
  CHECK(far.is_stopped(0));
  CHECK_FALSE(near.is_stopped(1));
  CHECK_FALSE(far.is_stopped(1));
  CHECK(heard.take() == lines{"accepted a", "dropped a", "accepted stop"});
  CHECK(who.status("a") == "dropped");
  const auto got = steering(there.b, "s1").take_all();
  REQUIRE(got.size() == 1);
  CHECK(got[0].is_abort);
}

TEST_CASE("what interrupts does as an abort does, and is none", "[steering]") {
  const bool always = GENERATE(true, false);
  one_bus o(settings{{"plugin.steering.interrupt", always ? "true" : "false"}});
  long_work w(o.t.b);
  o.t.b.publish("work:s1", "");
  o.clock.run_until_idle();
  steering who(o.t.b, "s1");
  who.push("the other file", {.interrupt = !always});
  o.clock.run_until_idle();
  CHECK(w.is_stopped());
  const auto got = who.take_all();
  REQUIRE(got.size() == 1);
  CHECK_FALSE(got[0].is_abort);
}

TEST_CASE("what comes after the end is late, is kept, and is given to the next session", "[steering]") {
  one_bus o;
  steering who(o.t.b, "s1"), worker(o.t.b, "s1");
  who.push("a", {.id = "a"});
  who.push("b", {.id = "b"});
  CHECK(worker.take()->text == "a");
  worker.end();
  o.clock.run_until_idle();
  CHECK(o.heard.take() == lines{"accepted a", "accepted b", "seen a", "late b"});
  CHECK(who.push("c", {.id = "c"}).status == "late");
  CHECK(who.push("stop", {.id = "stop"}).status == "late");
  o.clock.run_until_idle();
  CHECK(o.heard.take() == lines{"late c", "dropped b c", "late stop"});
  CHECK(who.status("stop") == "late");
  CHECK(who.push("d", {.id = "d", .interrupt = true}).status == "late");
  CHECK(who.status("d") == "late");
  CHECK(texts_of(worker.take_all()) == lines{"d"});
  worker.confirm();
  CHECK(who.status("d") == "seen");
  CHECK(who.push("e").status == "accepted");
}

TEST_CASE("a worker that crashed is followed by one that gets what it had, first", "[steering]") {
  one_bus o;
  steering who(o.t.b, "s1");
  for (const char* text : {"a", "b"}) who.push(text);
  {
    steering crashed(o.t.b, "s1");
    crashed.take_all();
  }
  who.push("c");
  steering next(o.t.b, "s1");
  const auto got = next.take_all();
  CHECK(texts_of(got) == lines{"a", "b", "c"});
  CHECK(got[1].again);
  CHECK_FALSE(got[2].again);
}

TEST_CASE("a worker that another one took over from is told so", "[steering]") {
  one_bus o;
  steering slow(o.t.b, "s1"), quick(o.t.b, "s1");
  slow.push("a");
  slow.take_all();
  quick.take_all();
  CHECK(refusal([&] { slow.take_all(); }).code() == error::lease_lost);
  CHECK(refusal([&] { slow.end(); }).code() == error::lease_lost);
  quick.end();
}

TEST_CASE("one at a time is as good as all", "[steering]") {
  one_bus o;
  steering who(o.t.b, "s1"), worker(o.t.b, "s1");
  for (const char* text : {"a", "b", "c"}) who.push(text);
  std::string got;
  while (const auto m = worker.take()) got += m->text;
  CHECK(got == "abc");
  CHECK(who.count().taken == 0);
}

TEST_CASE("an inbox has a cap, and can be looked at and cleared", "[steering]") {
  one_bus o(settings{{"plugin.steering.queue_max", "2"}});
  steering who(o.t.b, "s1");
  who.push("a", {.id = "a"});
  who.push("b", {.front = true});
  const error e = refusal([&] { who.push("c"); });
  CHECK(e.code() == error::full);
  CHECK(has(e.what(), "found 2 items queued for the session 's1', its queue_max"));
  CHECK(texts_of(who.peek()) == lines{"b", "a"});
  CHECK(who.count().queued == 2);
  CHECK(o.t.call("sessions", "{}").at("sessions").as_array().size() == 1);
  CHECK(who.clear() == 2);
  CHECK(who.status("a") == "dropped");
  CHECK(who.peek().empty());
}

TEST_CASE("the same id again is the same message", "[steering]") {
  one_bus o;
  steering who(o.t.b, "s1");
  for (const char* text : {"x", "stop"}) {
    CHECK(who.push(text, {.id = text}).status == "accepted");
    CHECK(who.push(text, {.id = text}).status == "accepted");
  }
  CHECK(who.count().queued == 1);
  who.take_all();
  CHECK(who.push("x", {.id = "x"}).status == "dropped");
  CHECK(who.count().queued == 0);
}

TEST_CASE("what other programs put into the list is taken too, whatever it is", "[steering]") {
  testing::manual_clock clock;
  bus b(with_steering().module(foreign_module).feature("foreign").clock(clock));
  long_work w(b);
  b.publish("work:s1", "");
  receipts_heard heard(b);
  steering worker(b, "s1");
  worker.push("ours", {.id = "ours"});
  b.call("foreign.rpush", R"({"text":"theirs","sender":"py","timestamp":1.5})");
  b.call("foreign.rpush", "no json \xff");
  clock.run_until_idle();
  heard.take();
  auto got = worker.take_all();
  CHECK(texts_of(got) == lines{"ours", "theirs", "no json \xef\xbf\xbd"});
  CHECK(got[1].timestamp == "1.5E0");
  CHECK(got[2].is_malformed);
  worker.confirm();
  clock.run_until_idle();
  CHECK(heard.take() == lines{"seen ours"});

  // Their abort is found when it is taken.
  worker.push("before", {.id = "before"});
  b.call("foreign.rpush", R"({"text":"enough","is_abort":true})");
  CHECK_FALSE(w.is_stopped());
  CHECK(texts_of(worker.take_all()) == lines{"enough"});
  worker.confirm();
  clock.run_until_idle();
  CHECK(w.is_stopped());
  CHECK(heard.take() == lines{"accepted before", "dropped before"});
  b.call("foreign.set", "a string");
  CHECK(refusal([&] { worker.push("x"); }).code() == error::bad_argument);
}

TEST_CASE("what cannot be meant is refused with words", "[steering]") {
  one_bus o;
  const auto says = [&](std::string_view method, std::string_view json) {
    const error e = refusal([&] { o.t.call(method, json); });
    CHECK(e.code() == error::bad_argument);
    return std::string(e.what());
  };
  CHECK(has(says("push", R"({"session":"s1"})"), "found no text; wanted a text"));
  CHECK(has(says("push", R"({"session":"a:b","text":"x"})"), "wanted a name without ':'"));
  CHECK(has(says("push", R"({"session":"","text":"x"})"), "the session"));
  CHECK(has(says("push", R"({"session":"s1","text":7})"), "found text = 7; wanted a text"));
  CHECK(has(says("push", R"({"session":"s1","text":"x","is_abort":1})"), "wanted true or false"));
  CHECK(has(says("take", R"({"session":"s1","max":-1})"), "wanted an integer from 0"));
  CHECK(has(says("take", R"({"session":"s1","most":1})"), "'most'"));
  CHECK(has(says("confirm", R"({"session":"s1"})"), "found no batch"));
  CHECK(has(says("count", "[]"), "wanted an object"));
  CHECK(refusal([&] {
          bus b(with_steering({{"plugin.steering.status", "receipts"}}));
        }).code() == error::bad_config);
}

TEST_CASE("a receipt is no message, whatever the plugin listens to", "[steering]") {
  one_bus o(settings{{"plugin.steering.listens", R"({"agent:steer:status:{session_id}" = "event"})"}});
  steering who(o.t.b, "s1");
  who.push("x");
  o.clock.run_until_idle();
  CHECK(who.count().queued == 1);
}
