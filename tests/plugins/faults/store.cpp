// The faults around a store.
#define POSTBUS_MODULE store_user
#define POSTBUS_PLUGIN_MANIFEST                                                                             \
  R"({"id": "user", "version": "1.0.0", "abi": 1, "provides": ["postbus.control/1"], "methods": ["push"],)" \
  R"( "requires": ["postbus.store/1"]})"
#include "faulty_bus.hpp"
#include "refusal.hpp"

#include <postbus/sdk/plugin.hpp>
#include <postbus/sdk/store_client.hpp>

namespace {

using namespace postbus;
using namespace postbus::tests;

// Pushes a text on a list, and answers with the length and what the list begins with.
class user {
 public:
  explicit user(sdk::context& ctx) : store_(ctx) {}
  void call(std::string_view, std::string_view text, sdk::completion<std::string_view>&& done) {
    sdk::store_ops ops;
    ops.push("list", text);
    ops.list("list").limit(1);
    store_.execute(std::move(ops), [done = std::move(done)](const sdk::store_answer& a) mutable {
      if (!a.ok()) return done.fail(a.status(), a.message());
      done.ok(std::to_string(a[0].number) + std::string(a[1].value()));
    });
  }

 private:
  sdk::store_client store_;
};

}  // namespace

POSTBUS_PLUGINS(POSTBUS_PLUGIN("user", user))

namespace {

struct faulty_store {
  explicit faulty_store(const settings& own) : b(made(own).clock(clock)) {}
  static config made(const settings& own) {
    config c =
        config_for("memory").module(store_user).feature("user").set("store.wrappers", "[\"faults-store\"]");
    for (const auto& [name, value] : own) c.set("plugin.faults-store." + name, value);
    return c;
  }
  std::string push() { return b.call("user.push", "x"); }
  error::errc refused() {
    return static_cast<error::errc>(refusal([&] { push(); }).code().value());
  }
  void set(std::string_view json) { b.call("faults-store.set", json); }

  testing::manual_clock clock;
  bus b;
};

}  // namespace

TEST_CASE("a store without faults does what it did", "[faults]") {
  faulty_store t(settings{});
  CHECK(t.push() == "1x");
  CHECK(t.push() == "2x");
}

TEST_CASE("a store's call that fails is not done, one with an outcome unknown is", "[faults]") {
  faulty_store t(settings{{"fail", "1"}});
  CHECK(t.refused() == error::unavailable);
  t.set(R"({"fail": 0, "unknown": 1})");
  CHECK(t.refused() == error::outcome_unknown);
  t.set(R"({"unknown": 0})");
  CHECK(t.push() == "2x");
}

TEST_CASE("a store behind a link that is down answers nothing but that, until it is back", "[faults]") {
  faulty_store t(settings{{"disconnect", "1"}, {"disconnect_time", "2s"}});
  CHECK(t.refused() == error::unavailable);
  t.set(R"({"disconnect": 0})");
  CHECK(t.refused() == error::unavailable);
  t.clock.advance(2s);
  CHECK(t.push() == "1x");
}

TEST_CASE("a store's answer that is held back is the same when it comes", "[faults]") {
  bus b(faulty_store::made({{"stall", "1"}, {"stall_max", "1ms"}}));
  CHECK(b.call("user.push", "x") == "1x");
  CHECK(b.call("faults-store.stats") ==
        R"({"connected":true,"disconnect":0,"stall":1,"fail":0,"unknown":0})");
}
