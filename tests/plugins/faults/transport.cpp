// Each fault around a transport, one at a time, has the effect that its setting names.
#include "faulty_bus.hpp"
#include "refusal.hpp"

#include <postbus/inspect.hpp>

using namespace postbus;
using namespace postbus::tests;

namespace {

// What arrives of many events, of which half are lost.
std::string survivors(const char* seed) {
  faulty_bus t(settings{{"drop", "0.5"}, {"seed", seed}});
  std::string got;
  const auto s = t.listen(t.b, got);
  for (char c = 'A'; c <= 'Z'; ++c) t.publish(std::string(1, c));
  return got;
}

const component_health& faults_in(const health& all) {
  for (const component_health& c : all.components)
    if (c.name == "transport.default.faults") return c;
  throw std::runtime_error("no such component");
}

}  // namespace

TEST_CASE("drop loses an event whose publisher hears that all is well", "[faults]") {
  faulty_bus t(settings{{"drop", "1"}});
  std::string got;
  const auto s = t.listen(t.b, got);
  t.publish("x");
  t.set(R"({"drop": 0})");
  t.publish("y");
  CHECK(got == "y");
  CHECK(t.struck("drop") == 1);
}

TEST_CASE("of a batch only those are lost that drop strikes, and each event has its own receipt",
          "[faults]") {
  faulty_bus t(settings{{"drop", "0.5"}, {"duplicate", "0.5"}, {"seed", "3"}});
  std::string got;
  const auto s = t.listen(t.b, got);
  std::vector<message> batch;
  for (const char* data : {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}) batch.push_back({"a", data});
  std::vector<publish_result> results(batch.size());
  t.b.publish(batch, results);
  t.clock.run_until_idle();
  for (const publish_result& r : results) CHECK_FALSE(r.ec);
  const auto lost = static_cast<std::size_t>(t.struck("drop")),
             twice = static_cast<std::size_t>(t.struck("duplicate"));
  CHECK(lost > 0);
  CHECK(twice > 0);
  CHECK(got.size() == batch.size() - lost + twice);
  CHECK(std::is_sorted(got.begin(), got.end()));
}

TEST_CASE("duplicate sends an event twice", "[faults]") {
  faulty_bus t(settings{{"duplicate", "1"}});
  std::string got;
  const auto s = t.listen(t.b, got);
  t.publish("x");
  CHECK(got == "xx");
  CHECK(t.struck("duplicate") == 1);
}

TEST_CASE("reorder lets the next delivery overtake one, or else lets it come in the end", "[faults]") {
  faulty_bus t(settings{{"reorder", "1"}, {"delay_max", "50ms"}});
  std::string got;
  const auto s = t.listen(t.b, got);
  t.publish("1");
  CHECK(got.empty());
  t.set(R"({"reorder": 0})");
  t.publish("2");
  CHECK(got == "21");
  t.set(R"({"reorder": 1})");
  t.publish("3");
  t.clock.advance(49ms);
  CHECK(got == "21");
  t.clock.advance(1ms);
  CHECK(got == "213");
}

TEST_CASE("delay lets a delivery come later, within delay_max", "[faults]") {
  faulty_bus t(settings{{"delay", "1"}, {"delay_max", "50ms"}});
  std::string got;
  const auto s = t.listen(t.b, got);
  for (int i = 0; i < 10; ++i) t.publish("x");
  CHECK(got.empty());
  t.clock.advance(25ms);
  CHECK(got.size() < 10);
  t.clock.advance(25ms);
  CHECK(got.size() == 10);
}

TEST_CASE("a subscription that ends gets or gives back what is late", "[faults]") {
  faulty_bus t(settings{{"delay", "1"}, {"delay_max", "1h"}});
  std::string got, others;
  subscribe_options group;
  group.group = "g";
  auto s = t.listen(t.b, got, group);
  t.publish("x");
  t.set(R"({"delay": 0})");
  const auto other = t.listen(t.b, others, group);
  s.unsubscribe();
  t.clock.run_until_idle();
  CHECK(got + others == "x");
}

TEST_CASE(
    "disconnect refuses publishes and settles nothing until the link is back, and tells the subscribers",
    "[faults]") {
  faulty_bus t(settings{{"disconnect", "1"}, {"disconnect_time", "2s"}});
  std::string got;
  std::vector<notice> told;
  subscribe_options o;
  o.on_notice = [&](const notice& n) { told.push_back(n); };
  const auto s = t.listen(t.b, got, o);
  const error down = refusal([&] { t.b.publish("a", "1"); });
  CHECK(down.code() == error::unavailable);
  t.set(R"({"disconnect": 0})");
  CHECK(refusal([&] { t.b.publish("a", "2"); }).code() == error::unavailable);
  CHECK(faults_in(t.b.health()).state == health_state::unhealthy);
  t.clock.advance(2s);
  CHECK(faults_in(t.b.health()).state == health_state::healthy);
  t.publish("3");
  CHECK(got == "3");
  REQUIRE(told.size() == 1);
  CHECK(told[0].what == notice::gap);
  CHECK(told[0].until - told[0].since == 2s);
  CHECK(t.struck("disconnect") == 1);
}

TEST_CASE("what others publish while the link is down is delivered when it is back", "[faults]") {
  testing::manual_clock clock;
  bus cut(with_faults({{"disconnect", "1"}}).set("transport.instance", "shared").clock(clock));
  bus other(config_for("memory").set("transport.instance", "shared").clock(clock));
  std::string got;
  const auto s = cut.subscribe("a", [&](const delivery& d) { got += d.text(); });
  CHECK(refusal([&] { cut.publish("a", "1"); }).code() == error::unavailable);
  other.publish("a", "2");
  clock.run_until_idle();
  CHECK(got.empty());
  clock.advance(1s);
  CHECK(got == "2");
}

TEST_CASE("stall holds the answer back, not the event", "[faults]") {
  faulty_bus t(settings{{"stall", "1"}, {"stall_max", "50ms"}});
  std::string got;
  const auto s = t.listen(t.b, got);
  faulty_bus::answer a;
  t.publish("x", a);
  CHECK(got == "x");
  CHECK_FALSE(a.came);
  t.clock.advance(50ms);
  CHECK(a.came);
  CHECK_FALSE(a.ec);
}

TEST_CASE("answers that are held back when the bus is closed come then", "[faults]") {
  faulty_bus t(settings{{"stall", "1"}, {"stall_max", "1h"}});
  std::string got;
  subscribe_options group;  // else there is nothing to settle
  group.group = "g";
  const auto s = t.listen(t.b, got, group);
  faulty_bus::answer a;
  t.publish("x", a);
  t.clock.advance(1h);
  CHECK(a.came);  // and what is left is the settlement
  CHECK(t.struck("stall") == 2);
  CHECK(t.b.close().clean);
}

TEST_CASE("fail loses a settlement: the event is delivered again, to another member of the group",
          "[faults]") {
  testing::manual_clock clock;
  bus other(config_for("memory").set("transport.instance", "shared").clock(clock));
  std::string got, again;
  subscribe_options group;
  group.group = "g";
  std::optional<subscription> second;
  {
    bus b(with_faults({{"fail", "1"}}).set("transport.instance", "shared").clock(clock));
    const auto s = b.subscribe(
        "a", [&](const delivery& d) { got += d.text(); }, group);
    b.publish("a", "x");
    clock.run_until_idle();
    second = other.subscribe(
        "a", [&](const delivery& d) { again += d.text(); }, group);
    CHECK(boost::json::parse(b.call("faults.stats")).at("fail") == 1);
  }
  clock.run_until_idle();
  CHECK(got == "x");
  CHECK(again == "x");
}

TEST_CASE("the same seed makes the same faults, another one others", "[faults]") {
  CHECK(survivors("7") == survivors("7"));
  CHECK(survivors("7") != survivors("8"));
}

TEST_CASE("set changes all that it names or nothing, and says what it wanted", "[faults]") {
  faulty_bus t;
  const auto said = [&](std::string_view json) { return refusal([&] { t.set(json); }).found(); };
  CHECK(has(said(R"({"drop": 1, "delay": 2})"), "delay = 2; expected a number from 0 to 1"));
  CHECK(has(said(R"({"delay_max": 5})"), "delay_max = 5; expected a duration such as"));
  CHECK(has(said(R"({"unknown": 1})"), "'unknown'; expected one of seed, drop, duplicate"));
  CHECK(has(said("drop"), "'drop'; expected an object"));
  std::string got;
  const auto s = t.listen(t.b, got);
  t.publish("x");
  CHECK(got == "x");
}

TEST_CASE("a transport with faults can all that it could, but for answering at once", "[faults]") {
  const auto plain = explain_capabilities(config_for("memory")),
             wrapped = explain_capabilities(with_faults());
  REQUIRE(plain.size() == wrapped.size());
  for (std::size_t i = 0; i < plain.size(); ++i) CHECK(plain[i].supplied == wrapped[i].supplied);
  const error e = refusal([] { bus b(with_faults().set("transport.dispatch", "inline")); });
  CHECK(e.wanted() == "a transport that answers a publish at once");
}
