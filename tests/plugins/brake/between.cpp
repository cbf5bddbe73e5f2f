// What is between the gate and the handler when the brake is pulled.
#define POSTBUS_MODULE late_feature
#define POSTBUS_PLUGIN_MANIFEST                                                                                 \
  R"({"id": "late", "version": "1.0.0", "abi": 1, "provides": ["postbus.interceptor/1", "postbus.control/1"],)" \
  R"( "methods": ["let_go"], "verdicts": ["hold", "park"], "requires": ["postbus.flow/1"]})"
#include "fleet.hpp"

#include <postbus/sdk/plugin.hpp>

using namespace postbus;
using namespace postbus::tests;

namespace {

// Stands between the brake and the handler, and keeps what comes until it is told to let go.
class late {
 public:
  explicit late(sdk::context& ctx) : flow_(ctx) {}
  sdk::verdict on_deliver(sdk::item& i) {
    if (is_open_ || !i.topic().starts_with("jobs:")) return sdk::verdict::pass;
    kept_.push_back(i.ticket());
    return sdk::verdict::park;
  }
  void call(std::string_view, std::string_view, sdk::completion<std::string_view>&& done) {
    is_open_ = true;
    for (const std::uint64_t ticket : std::exchange(kept_, {})) flow_.resume(ticket, sdk::verdict::pass);
    done.ok("{}");
  }

 private:
  sdk::flow flow_;
  bool is_open_ = false;
  std::vector<std::uint64_t> kept_;
};

}  // namespace

POSTBUS_PLUGINS(POSTBUS_PLUGIN("late", late))

TEST_CASE("what passed the gate and has not started is recalled, and is not registered any more", "[brake]") {
  fleet f(1);
  config c = f.configuration({{"bus.features", "[\"late\", \"brake\", \"foreign\"]"}});
  f.buses.push_back(std::make_unique<bus>(c.module(late_feature)));
  int started = 0;
  const auto s = f[1].subscribe("jobs:{user_id}:*", [&](const delivery&) { ++started; });
  f[0].publish("jobs:42:a", "x");
  f.clock.run_until_idle();
  const auto answer = f.call("pause");
  CHECK(answer.at("unconfirmed").as_array().empty());
  CHECK(answer.at("running").as_array().size() == 1);  // it may run, as far as anybody knows
  f[1].call("late.let_go");
  f.clock.run_until_idle();
  CHECK(started == 0);
  CHECK(f.state() == "paused");
  f.call("resume");
  f.clock.run_until_idle();
  CHECK(started == 1);
}

TEST_CASE("what was at the gate when the pause came is not let by when the store says that it may",
          "[brake]") {
  fleet f(2);
  int started = 0;
  const auto s = f[1].subscribe("jobs:{user_id}:*", [&](const delivery&) { ++started; });
  f[1].call("faults-store.set", R"({"stall": 1, "stall_max": "1s"})");
  f[0].publish("jobs:7:mail", "x");
  f.clock.run_until_idle();
  f[1].call("faults-store.set", R"({"stall": 0})");
  const auto answer = f.call("pause", 0, R"({"pattern": "jobs:*:mail"})");
  CHECK(answer.at("unconfirmed").as_array().empty());
  CHECK(answer.at("running").as_array().size() == 1);
  f.clock.advance(1s);
  CHECK(started == 0);
  CHECK(f.state(0, R"({"pattern": "jobs:*:mail"})") == "paused");
}

TEST_CASE("a delivery that is given back while the store is asked is not registered for ever", "[brake]") {
  fleet f(2);
  subscribe_options o;
  o.group = "g";
  auto s = f[1].subscribe(
      "jobs:{user_id}:*", [](const delivery&) {}, o);
  f[1].call("faults-store.set", R"({"stall": 1, "stall_max": "1s"})");
  f[0].publish("jobs:42:a", "x");
  f.clock.run_until_idle();
  s.unsubscribe();
  f.clock.advance(2s);
  f[1].call("faults-store.set", R"({"stall": 0})");
  f.clock.advance(1s);
  CHECK(f.call("pause").at("state") == "paused");
}
