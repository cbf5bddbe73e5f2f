// What the methods take.
#include "arguments.hpp"

#include "fleet.hpp"
#include "refusal.hpp"

using namespace postbus;
using namespace postbus::tests;
using brake_plugin::arguments;
using brake_plugin::scope;

TEST_CASE("a scope is a key, a pattern or everything", "[brake]") {
  CHECK(arguments::parse(R"({"key": "42"})").of.name() == "42");
  CHECK(arguments::parse(R"({"user_id": "42", "actor": "ann", "epoch": 3})").epoch == 3);
  CHECK(arguments::parse(R"({"pattern": "jobs:**"})").of.name() == "*:jobs:**");
  CHECK(arguments::parse(R"({"all": true})").of.name() == "*");
}

TEST_CASE("an event's one capture is the key, and it is told apart by source and id", "[brake]") {
  const auto a = arguments::parse(
      R"({"topic": "agent:pause:42", "id": "e", "source": "s", "params": {"user_id": "42"}})");
  CHECK(a.of.name() == "42");
  CHECK(a.heard == "s e");
  CHECK(a.actor == "s");
}

TEST_CASE("what is no scope is refused, and nothing is paused by a slip of the pen", "[brake]") {
  fleet f;
  for (const auto& [json, found] : std::vector<std::pair<const char*, const char*>>{
           {"[]", "'[]'; expected an object such as"},
           {"{}", "{}; expected one of {\"key\""},
           {R"({"key": "42", "all": true})", "expected one of"},
           {R"({"key": ""})", "expected one of"},
           {R"({"key": "*"})", "does not begin with '*'"},
           {R"({"key": 42})", "key = 42; expected a text"},
           {R"({"patern": "jobs:**"})", "'patern'; expected one of key, user_id, pattern, all"},
           {R"({"pattern": "jobs::a"})", "expected a pattern"},
           {R"({"all": 1})", "all = 1; expected true"},
           {R"({"key": "42", "epoch": "1"})", "epoch = \"1\"; expected a whole number"}})
    for (const char* method : {"brake.pause", "brake.resume", "brake.status", "brake.confirm_unverified"}) {
      const error e = refusal([&] { f[0].call(method, json); });
      CHECK(e.code() == error::bad_argument);
      INFO(e.what());
      CHECK(has(e.what(), found));
    }
}

TEST_CASE("settings that cannot hold are refused at the start", "[brake]") {
  const auto said = [](const settings& own) { return std::string(refusal([&] { fleet f(1, own); }).what()); };
  CHECK(has(said({{"plugin.brake.lease", "10s"}}), "renew < self_fence < lease"));
  CHECK(has(said({{"plugin.brake.renew", "10s"}}), "renew < self_fence < lease"));
  CHECK(has(said({{"plugin.brake.exempt", "a::b"}}), "exempt: "));
  CHECK(has(said({{"plugin.brake.status", "a:*"}}), "status: "));
  CHECK(has(said({{"plugin.brake.process", "a b"}}), "without a space"));
  CHECK(has(said({{"plugin.brake.publishes", "drop"}}), "refuse"));
}
