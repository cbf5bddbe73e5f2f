// The brake over several buses, which share a transport, a store and the virtual clock.
#include "fleet.hpp"

#include "refusal.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

using namespace postbus;
using namespace postbus::tests;

namespace {

// Takes jobs and keeps them until it is told to answer.
struct worker {
  explicit worker(bus& on, unsigned concurrency = 1)
      : s(on.subscribe(
            "jobs:{user_id}:*",
            [this](const delivery& d) {
              started.push_back(std::string(d.text()));
              if (keeps) kept.push_back(d.defer());
            },
            options(concurrency))) {}
  static subscribe_options options(unsigned concurrency) {
    subscribe_options o;
    o.group = "workers";
    o.concurrency = concurrency;
    return o;
  }
  void answer_all() {
    for (auto& one : std::exchange(kept, {})) one.ack();
  }
  bool keeps = false;
  std::vector<std::string> started;
  std::vector<settlement> kept;
  subscription s;
};

std::string joined(const std::vector<std::string>& all) {
  std::string text;
  for (const auto& one : all) text += one;
  return text;
}

}  // namespace

TEST_CASE("a paused user's deliveries wait, others' go on, and resume releases in order", "[brake]") {
  fleet f;
  worker w(f[0]);
  CHECK(f.state() == "running");
  for (const char* text : {"1", "2", "3"}) f[0].publish("jobs:42:a", text);
  f[0].publish("jobs:7:a", "x");
  CHECK(f.call("pause").at("state") == "paused");
  CHECK(f.state() == "paused");
  f.clock.run_until_idle();
  CHECK(joined(w.started) == "x");
  CHECK(f.call("resume").at("state") == "running");
  f.clock.run_until_idle();
  CHECK(joined(w.started) == "x123");
  CHECK(w.s.counts().acked == 4);
}

TEST_CASE("at park_max others wait too, and health says why; they go on with the resume", "[brake]") {
  fleet f;
  int others = 0;
  subscribe_options o;
  o.prefetch = 2;
  o.park_max = {.events = 3, .bytes = 1'000'000};
  const auto s = f[0].subscribe(
      "jobs:{user_id}:*", [&](const delivery& d) { others += d.param("user_id") == "7"; }, o);
  for (const char* user : {"42", "42", "42", "7", "42", "42", "42", "42", "7"})
    f[0].publish("jobs:" + std::string(user) + ":a", "x");
  f.call("pause");
  f.clock.run_until_idle();
  CHECK(others == 1);
  bool is_said = false;
  for (const auto& c : f[0].health().components) is_said = is_said || has(c.reason, "its park_max");
  CHECK(is_said);
  f.call("resume");
  f.clock.run_until_idle();
  CHECK(others == 2);
  CHECK(s.counts().acked == 9);
}

TEST_CASE("publishes of a paused scope are refused, with error::paused; others pass", "[brake]") {
  fleet f(2);
  f.call("pause");
  for (std::size_t i = 0; i < 2; ++i) {
    error_code ec;
    f[i].publish("jobs:42:a", "x", {}, ec);
    CHECK(ec == error::paused);
    f[i].publish("jobs:7:a", "x", {}, ec);
    CHECK_FALSE(ec);
  }
}

TEST_CASE("publishes of a paused scope may be held instead, up to their deadline", "[brake]") {
  fleet f(1, {{"plugin.brake.publishes", "hold"}});
  worker w(f[0]);
  f.call("pause");
  publish_options o;
  o.deadline = 2s;
  std::vector<error_code> answers;
  f[0].async_publish("jobs:42:a", "late", o, [&](error_code ec, receipt) { answers.push_back(ec); });
  f.clock.advance(2s);
  REQUIRE(answers.size() == 1);
  CHECK(answers[0] == error::timed_out);
  f[0].async_publish("jobs:42:a", "in time", o, [&](error_code ec, receipt) { answers.push_back(ec); });
  f.clock.advance(1s);
  f.call("resume");
  f.clock.run_until_idle();
  REQUIRE(answers.size() == 2);
  CHECK_FALSE(answers[1]);
  CHECK(joined(w.started) == "in time");
}

TEST_CASE("commands and what tells of them are never paused", "[brake]") {
  fleet f;
  f.call("pause", 0, R"({"all": true})");
  error_code ec;
  f[0].publish("agent:resume:42", "", {}, ec);
  CHECK_FALSE(ec);
  f[0].publish("agent:other:42", "", {}, ec);
  CHECK(ec == error::paused);
}

TEST_CASE("pause completes when every process has confirmed, and nothing starts in any of them", "[brake]") {
  fleet f(3);
  std::vector<std::unique_ptr<worker>> all;
  for (std::size_t i = 0; i < 3; ++i) all.push_back(std::make_unique<worker>(f[i]));
  for (int n = 0; n < 200; ++n) f[0].publish("jobs:42:a", "x");
  const auto answer = f.call("pause", 1);
  CHECK(answer.at("unconfirmed").as_array().empty());
  std::size_t before = 0, after = 0;
  for (const auto& w : all) before += w->started.size();
  f.clock.advance(1min);
  for (const auto& w : all) after += w->started.size();
  CHECK(after == before);
  CHECK(before < 200);
  for (std::size_t i = 0; i < 3; ++i) CHECK(f.state(i) == "paused");
  f.call("resume", 2);
  f.clock.run_until_idle();
  std::uint64_t acked = 0;
  for (const auto& w : all) acked += w->s.counts().acked;
  CHECK(acked == 200);
}

TEST_CASE("what runs is asked to stop and makes the pause partial, with its name; when it ends, paused",
          "[brake]") {
  fleet f(2);
  worker w(f[0]);
  w.keeps = true;
  f.publish("jobs:42:slow", "x");
  const auto answer = f.call("pause", 1);
  CHECK(answer.at("state") == "pausing");
  CHECK(answer.at("running").at(0).at("topic") == "jobs:42:slow");
  REQUIRE(w.kept.size() == 1);
  CHECK(w.kept[0].stop_requested());
  f.clock.advance(29s);
  CHECK(f.state() == "pausing");
  f.clock.advance(1s);
  CHECK(f.state() == "partial");
  CHECK(f.running(1) == "jobs:42:slow ");
  w.answer_all();
  f.clock.run_until_idle();
  CHECK(f.state() == "paused");
  CHECK(w.s.counts().acked == 1);
}

TEST_CASE("a process that does not confirm is named, and the state stays pausing", "[brake]") {
  fleet f(2);
  f.partition(1);
  f[0].publish("agent:pause:42", "");
  f.clock.advance(2s);
  CHECK(f.state() == "pausing");
  const boost::json::array unconfirmed = f.call("status").at("unconfirmed").as_array();
  REQUIRE(unconfirmed.size() == 1);
  CHECK(unconfirmed[0].as_string().starts_with("p1-"));
  f.clock.advance(5s);
  CHECK(f.state() == "pausing");
  SECTION("until it is back") {
    f.heal(1);
    f.clock.advance(5s);
    CHECK(f.state() == "paused");
    CHECK(f.state(1) == "paused");
  }
  SECTION("or its lease is over: it has stopped by itself then") {
    f.clock.advance(15s);
    CHECK(f.state() == "paused");
  }
}

TEST_CASE("a process that cannot reach the store starts nothing, and goes on when it is back", "[brake]") {
  fleet f;
  worker w(f[0]);
  f.partition(0);
  f.publish("jobs:42:a", "1");
  f.publish("jobs:7:a", "2");
  f.clock.advance(1min);
  CHECK(w.started.empty());
  f.heal(0);
  f.clock.advance(5s);
  CHECK(joined(w.started) == "12");
  CHECK(w.s.counts().acked == 2);
}

TEST_CASE("a process that comes back finds what was paused meanwhile before it starts anything", "[brake]") {
  fleet f(2);
  worker w(f[0]);
  f.partition(0);
  f[0].publish("jobs:42:a", "1");
  f.clock.advance(20s);
  CHECK(f.call("pause", 1).at("state") == "paused");
  f.heal(0);
  f.clock.advance(10s);
  CHECK(w.started.empty());
  CHECK(f.state(0) == "paused");
}

TEST_CASE("a registration that lapsed is unverified until its process is back and its work ended",
          "[brake]") {
  fleet f(2);
  worker w(f[0]);
  w.keeps = true;
  f.publish("jobs:42:a", "x");
  f.partition(0);
  f.clock.advance(20s);
  f[1].call("brake.pause", R"({"key": "42"})");
  f.clock.advance(1min);
  CHECK(f.state(1) == "partial");
  CHECK(f.running(1) == "jobs:42:a? ");
  f.heal(0);
  f.clock.advance(10s);
  CHECK(f.state(1) == "partial");
  w.answer_all();
  f.clock.advance(5s);
  CHECK(f.state(1) == "paused");
  CHECK(w.s.counts().acked == 0);  // its answer came too late
}

TEST_CASE("or until an operator says so; what it says afterwards is refused, and its event given back",
          "[brake]") {
  fleet f(2);
  worker w(f[0]);
  w.keeps = true;
  f.publish("jobs:42:a", "x");
  f.partition(0);
  f.clock.advance(20s);
  f.call("pause", 1);
  f.clock.advance(1min);
  CHECK(f.call("confirm_unverified", 1).at("confirmed") == 1);
  f.clock.run_until_idle();
  CHECK(f.state(1) == "paused");
  f.heal(0);
  f.clock.advance(10s);
  w.answer_all();
  f.clock.run_until_idle();
  CHECK(w.s.counts().acked == 0);
  CHECK(w.s.counts().given_back == 1);
  w.keeps = false;
  f.call("resume", 1);
  f.clock.advance(5s);
  CHECK(w.started.size() == 2);
  CHECK(w.s.counts().acked == 1);
}

TEST_CASE("publishes through a running delivery pass, until its registration lapses", "[brake]") {
  fleet f(2);
  boost::asio::steady_timer step(f[0].get_executor(), boost::asio::steady_timer::time_point::max());
  std::vector<error_code> answers;
  const auto s = f[0].subscribe("jobs:42:first", [&](delivery d) -> boost::asio::awaitable<void> {
    for (int n = 0; n < 2; ++n) {
      error_code ec;
      (void)co_await step.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
      (void)d.publish("jobs:42:next", "y", {}, ec);
      answers.push_back(ec);
    }
  });
  f.publish("jobs:42:first", "x");
  f.call("pause", 1);
  f.clock.run_until_idle();
  step.cancel();
  f.clock.run_until_idle();
  REQUIRE(answers.size() == 1);
  CHECK_FALSE(answers[0]);
  f.partition(0);
  f.clock.advance(16s);
  step.cancel();
  f.clock.run_until_idle();
  REQUIRE(answers.size() == 2);
  CHECK(answers[1] == error::refused);
}

TEST_CASE("pauses and resumes come as events too, once each", "[brake]") {
  fleet f(2);
  publish_options o;
  o.id = "e1";
  f[0].publish("agent:pause:42", "", o);
  f.clock.run_until_idle();
  CHECK(f.state() == "paused");
  const auto epoch = f.call("status").at("epoch");
  f.call("resume", 1);
  f[0].publish("agent:pause:42", "", o);  // the same event again
  f.clock.run_until_idle();
  CHECK(f.state() == "running");
  f.call("pause", 1);
  o.id = "e2";
  f[1].publish("agent:pause:42", "", o);
  f.clock.run_until_idle();
  f.call("resume");
  f[1].publish("agent:pause:42", "", o);  // which changed nothing, but was obeyed
  f.clock.run_until_idle();
  CHECK(f.state() == "running");
  f[1].publish("agent:pause:42", "");
  f.clock.run_until_idle();
  CHECK(f.state() == "paused");
  CHECK(f.call("status").at("epoch").as_int64() == epoch.as_int64() + 4);
  f[1].publish("agent:resume:42", "");
  f.clock.run_until_idle();
  CHECK(f.state() == "running");
}

TEST_CASE("every change is told on agent:status, by whoever made it", "[brake]") {
  fleet f(3);
  std::string told;
  const auto s = f[2].subscribe("agent:status:{user_id}", [&](const delivery& d) {
    const std::string what(d.json().at("type").as_string());
    told += std::string(d.param("user_id")) + what.substr(what.rfind('.')) + " ";
  });
  worker w(f[1]);
  w.keeps = true;
  f.publish("jobs:42:a", "x");
  f.call("pause");
  f.clock.advance(31s);
  w.answer_all();
  f.clock.run_until_idle();
  f.call("resume", 1);
  f.clock.run_until_idle();
  CHECK(told == "42.activated 42.partial 42.paused 42.resumed ");
}

TEST_CASE("patterns, and everything, can be paused too, each by itself", "[brake]") {
  fleet f(2);
  worker w(f[1]);
  CHECK(f.call("pause", 0, R"({"pattern": "jobs:*:mail"})").at("state") == "paused");
  error_code ec;
  f[1].publish("jobs:7:mail", "x", {}, ec);
  CHECK(ec == error::paused);
  f.publish("jobs:7:other", "1", 1);
  CHECK(joined(w.started) == "1");
  CHECK(f.call("pause", 1, R"({"all": true})").at("state") == "paused");
  f[1].publish("jobs:7:other", "x", {}, ec);
  CHECK(ec == error::paused);
  f.call("resume", 0, R"({"all": true})");
  f.publish("jobs:7:other", "2", 1);
  f[0].publish("jobs:7:mail", "x", {}, ec);
  CHECK(ec == error::paused);
  f.call("resume", 1, R"({"pattern": "jobs:*:mail"})");
  f.publish("jobs:7:mail", "3", 1);
  CHECK(joined(w.started) == "123");
}

TEST_CASE("work of any user counts for a pattern and for everything", "[brake]") {
  fleet f(2);
  worker w(f[1], 2);
  w.keeps = true;
  f.publish("jobs:7:mail", "x");
  f.publish("jobs:8:other", "x");
  CHECK(f.call("pause", 0, R"({"pattern": "jobs:*:mail"})").at("running").as_array().size() == 1);
  CHECK(f.call("pause", 0, R"({"all": true})").at("running").as_array().size() == 2);
  w.answer_all();
  f.clock.run_until_idle();
  CHECK(f.state(0, R"({"all": true})") == "paused");
  CHECK(f.state(0, R"({"pattern": "jobs:*:mail"})") == "paused");
}

TEST_CASE("a pause outlives the processes that knew of it", "[brake]") {
  fleet f(2);
  f.call("pause");
  f.buses[0]->close();
  f.buses[0].reset();
  bus& next = f.open();
  error_code ec;
  next.publish("jobs:42:a", "x", {}, ec);
  CHECK(ec == error::paused);
  CHECK(f.state(2) == "paused");
}

TEST_CASE("of two operators at once the second gets what the first one did", "[brake]") {
  fleet f(2, {{"store.answers", "later"}});
  f[0].publish("agent:pause:42", "");
  f[1].publish("agent:pause:42", "");
  f.clock.run_until_idle();
  CHECK(f.state() == "paused");
  CHECK(f.call("status").at("epoch") == 1);
  CHECK_THROWS_AS(f.call("resume", 1, R"({"key": "42", "epoch": 7})"), error);
  CHECK(f.call("resume", 1, R"({"key": "42", "epoch": 1})").at("epoch") == 2);
}
