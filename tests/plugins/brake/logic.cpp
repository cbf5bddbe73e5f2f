// The pure parts, step by step.
#include "support/catch.hpp"
#include "survey.hpp"

using namespace postbus::brake_plugin;
using namespace std::chrono_literals;

namespace {

record stored(std::int64_t epoch, phase p, bool has_flag) {
  record r;
  r.has_flag = has_flag;
  r.has_state = true;
  r.epoch = epoch;
  r.phase = p;
  return r;
}

survey seen(phase p, std::initializer_list<const char*> confirmed, std::size_t running) {
  survey s;
  s.record = stored(3, p, blocks(p));
  s.live = {"a", "b"};
  for (const char* process : confirmed) s.add_confirmation(process, "3 10");
  for (std::size_t n = 0; n < running; ++n) s.work.push_back({"inflight:42", "a 1 jobs:42:x id", false});
  return s;
}

constexpr limits usual{2s, 30s};

}  // namespace

TEST_CASE("pausing ends when all have confirmed and nothing runs, or as partial when time is over",
          "[brake]") {
  CHECK(due(seen(phase::pausing, {"a"}, 0), 1h, usual) == phase::pausing);
  CHECK(due(seen(phase::pausing, {"a", "b"}, 0), 0s, usual) == phase::paused);
  CHECK(due(seen(phase::pausing, {"a", "b"}, 1), 29s, usual) == phase::pausing);
  CHECK(due(seen(phase::pausing, {"a", "b"}, 1), 30s, usual) == phase::partial);
  CHECK(due(seen(phase::partial, {}, 1), 1h, usual) == phase::partial);
  CHECK(due(seen(phase::partial, {}, 0), 1h, usual) == phase::paused);
}

TEST_CASE("resuming ends when all have confirmed, or they had their time", "[brake]") {
  CHECK(due(seen(phase::resuming, {"a"}, 1), 1s, usual) == phase::resuming);
  CHECK(due(seen(phase::resuming, {"a", "b"}, 1), 0s, usual) == phase::running);
  CHECK(due(seen(phase::resuming, {"a"}, 1), 2s, usual) == phase::running);
  CHECK(due(seen(phase::paused, {}, 0), 1h, usual) == phase::paused);
  CHECK(due(seen(phase::running, {}, 9), 1h, usual) == phase::running);
}

TEST_CASE("a confirmation of an older epoch is none, and its count is not counted", "[brake]") {
  survey s = seen(phase::pausing, {"a"}, 0);
  s.add_confirmation("b", "2 99");
  CHECK(s.unconfirmed() == std::vector<std::string>{"b"});
  CHECK(s.parked == 10);
  s.add_confirmation("b", "nonsense");
  s.add_confirmation("b", survey::confirmation(4, 5));
  CHECK(s.unconfirmed().empty());
  CHECK(s.parked == 15);
}

TEST_CASE("what a record means depends on what is known", "[brake]") {
  book b;
  CHECK(b.judge("42", {}) == finding::nothing);
  record flag;
  flag.has_flag = true;
  CHECK(b.judge("42", flag) == finding::foreign_pause);
  CHECK(b.judge("42", stored(1, phase::pausing, true)) == finding::news);
  CHECK(b.judge("42", stored(1, phase::paused, false)) == finding::foreign_resume);

  b.learn("42", 5, phase::pausing, 0);
  CHECK(b.judge("42", stored(5, phase::pausing, true)) == finding::nothing);
  CHECK(b.judge("42", stored(5, phase::paused, true)) == finding::news);
  CHECK(b.judge("42", stored(6, phase::resuming, false)) == finding::news);
  CHECK(b.judge("42", stored(5, phase::paused, false)) == finding::foreign_resume);
  CHECK(b.judge("42", {}) == finding::lost);
  CHECK(b.judge("42", flag) == finding::lost);
  CHECK(b.judge("42", stored(4, phase::running, false)) == finding::lost);
  CHECK(b.judge("42", stored(4, phase::pausing, true)) == finding::lost);

  b.learn("42", 6, phase::resuming, 0);
  CHECK(b.judge("42", stored(5, phase::paused, true)) == finding::foreign_pause);
  CHECK(b.judge("42", {}) == finding::nothing);  // a resume that is lost stays one
}

TEST_CASE("an older epoch teaches nothing; a flag blocks without one", "[brake]") {
  book b;
  using effect = book::effect;
  CHECK(b.learn("42", 2, phase::running, 0) == effect::none);
  CHECK(b.learn("42", 3, phase::pausing, 0) == effect::blocked);
  CHECK(b.learn("42", 3, phase::pausing, 0) == effect::none);
  CHECK(b.learn("42", 2, phase::resuming, 0) == effect::none);
  CHECK(b.is_blocked("42", "jobs:42:x"));
  CHECK_FALSE(b.is_blocked("4", "jobs:4:x"));
  CHECK_FALSE(b.is_blocked("", "jobs:42:x"));
  CHECK(b.learn("42", 3, phase::paused, 0) == effect::moved);
  CHECK(b.learn("42", 4, phase::resuming, 0) == effect::released);
  CHECK(b.learn("42", 4, phase::running, 0) == effect::moved);
  CHECK(b.find("42") == nullptr);
  CHECK(b.block("7", 0) == effect::blocked);
  CHECK(b.block("7", 0) == effect::none);
  CHECK(b.is_blocked("7", "jobs:7:x"));
}

TEST_CASE("patterns and everything block by topic, each until its own end", "[brake]") {
  book b;
  b.learn("*:jobs:*:mail", 1, phase::pausing, 0);
  b.learn("*", 1, phase::pausing, 0);
  CHECK(b.blocking("7", "jobs:7:mail") == std::vector<std::string>{"*", "*:jobs:*:mail"});
  b.learn("*", 2, phase::resuming, 0);
  CHECK(b.is_blocked("7", "jobs:7:mail"));
  CHECK_FALSE(b.is_blocked("7", "jobs:7:other"));
  b.learn("*:jobs:*:mail", 2, phase::resuming, 0);
  CHECK_FALSE(b.is_blocked("7", "jobs:7:mail"));
  CHECK(b.blocks_nothing());
}

TEST_CASE("a pause of one user says nothing about most others, one of a pattern may block everybody",
          "[brake]") {
  book b;
  const auto others = [&] {
    int n = 0;
    for (int user = 1000; user < 2000; ++user) n += b.may_block(std::to_string(user)) ? 1 : 0;
    return n;
  };
  CHECK((others() == 0 && !b.may_block("")));
  b.learn("42", 1, phase::paused, 0);
  CHECK(b.may_block("42"));
  CHECK(others() < 50);
  b.learn("*:jobs:*:mail", 1, phase::paused, 0);
  CHECK((others() == 1000 && b.may_block("")));
  b.learn("*:jobs:*:mail", 2, phase::resuming, 0);
  b.learn("42", 2, phase::resuming, 0);
  CHECK((others() == 0 && !b.may_block("42")));
}

TEST_CASE("what is set aside is released in the order in which it was seen first", "[brake]") {
  registry r;
  const auto first = r.next_place(), second = r.next_place(), third = r.next_place(), last = r.next_place();
  r.park(4, last, "42", "t");
  r.park(3, second, "42", "t");
  r.park(9, third, "7", "t");
  r.park(5, first, "42", "t");
  r.park(3, r.next_place(), "42", "t");  // it is already
  const auto is_42 = [](auto key, auto) { return key == "42"; };
  CHECK(r.parked(is_42) == 3);
  CHECK(r.forget(4));
  CHECK_FALSE(r.forget(4));
  CHECK(r.release(is_42) == std::vector<std::uint64_t>{5, 3});
  CHECK(r.release(is_42).empty());
  CHECK(r.release([](auto, auto) { return true; }) == std::vector<std::uint64_t>{9});
}

TEST_CASE("work is good while its registration surely runs; each entry has a name of its own", "[brake]") {
  registry r;
  const std::string first = r.enter(1, "p", "42", "jobs:42:x", "an id").member;
  CHECK(first == "p 1 jobs:42:x an id");
  CHECK(registration::parse(first).id == "an id");
  CHECK(registration::parse(first).topic == "jobs:42:x");
  CHECK(registration::parse("stray").process == "stray");
  work& w = r.enter(1, "p", "42", "jobs:42:x", "an id");
  CHECK(w.member != first);
  CHECK_FALSE(w.is_good(0));
  w.is_registered = true;
  w.good_until_ns = 10;
  r.renewed(1, first, 99);  // of another entry
  CHECK(w.is_good(9));
  CHECK_FALSE(w.is_good(10));
  r.renewed(1, w.member, 20);
  CHECK(w.is_good(10));
  r.lapsed(1, w.member);
  CHECK_FALSE(w.is_good(10));
  CHECK(r.take(1).has_value());
  CHECK_FALSE(r.take(1).has_value());
}
