// Wrappers: plugins that stand between the bus and a transport or a store.
#define POSTBUS_MODULE wrapper_plugins
#define POSTBUS_PLUGIN_MANIFEST                                                                                              \
  R"({"version": "1.0.0", "abi": 1, "plugins": [)"                                                                           \
  R"({"id": "inner", "provides": ["postbus.transport/1", "postbus.control/1"], "wraps": "transport", "methods": ["count"],)" \
  R"( "capabilities": ["credit", "ack", "lease", "count", "group", "pattern", "replay", "delay", "dead", "partition",)"      \
  R"( "persist"], "config_schema": {"properties": {"tag": {"type": "string", "default": "i"}}}},)"                           \
  R"({"id": "outer", "provides": ["postbus.transport/1"], "wraps": "transport", "data_max": "10B",)"                         \
  R"( "capabilities": ["credit", "ack", "pattern"]},)"                                                                       \
  R"({"id": "braggart", "provides": ["postbus.transport/1"], "wraps": "transport", "capabilities": ["credit", "ack"]},)"     \
  R"({"id": "around-store", "provides": ["postbus.store/1"], "wraps": "store"},)"                                            \
  R"({"id": "user", "provides": ["postbus.control/1"], "requires": ["postbus.store/1"], "methods": ["ask"]}]})"
#include "refusal.hpp"
#include "support/bus.hpp"

#include <postbus/inspect.hpp>
#include <postbus/testing/manual_clock.hpp>

#include <postbus/sdk/plugin.hpp>
#include <postbus/sdk/store_client.hpp>
#include <postbus/sdk/wrapper.hpp>

#include <algorithm>

namespace {

using namespace postbus;
using namespace postbus::tests;

std::string life;  // what happened, in order

// Tells what happens to it, and forwards everything.
template <class Base>
class telling : public Base {
 public:
  telling(sdk::context& ctx, std::string name) : Base(ctx), name_(std::move(name)) { tell("create"); }
  ~telling() { tell("destroy"); }
  void start(sdk::completion<>&& done) {
    tell("start");
    done.ok();
  }
  void stop(sdk::completion<>&& done) {
    tell("stop");
    done.ok();
  }

 protected:
  void tell(const char* what) { life += name_ + ":" + what + " "; }

 private:
  std::string name_;
};

class inner : public telling<sdk::transport_wrapper> {
 public:
  explicit inner(sdk::context& ctx) : telling(ctx, std::string(ctx.text("tag"))) {}
  void publish(std::span<const postbus_out> events, sdk::publish_completion&& done) {
    tell("publish");
    ++count_;
    transport_wrapper::publish(events, std::move(done));
  }
  void call(std::string_view, std::string_view, sdk::completion<std::string_view>&& done) {
    done.ok(std::to_string(count_));
  }

 private:
  int count_ = 0;
};

class outer : public telling<sdk::transport_wrapper> {
 public:
  static constexpr std::uint32_t can = POSTBUS_CAN_CREDIT | POSTBUS_CAN_ACK | POSTBUS_CAN_PATTERN;
  explicit outer(sdk::context& ctx) : telling(ctx, "o") {}
  void publish(std::span<const postbus_out> events, sdk::publish_completion&& done) {
    tell("publish");
    transport_wrapper::publish(events, std::move(done));
  }
};

// Says by its table more than by its manifest.
class braggart : public sdk::transport_wrapper {
 public:
  using transport_wrapper::transport_wrapper;
};

class around_store : public telling<sdk::store_wrapper> {
 public:
  explicit around_store(sdk::context& ctx) : telling(ctx, "s") {}
  void execute(std::span<const postbus_op> ops, sdk::store_completion&& done) {
    tell("execute");
    store_wrapper::execute(ops, std::move(done));
  }
};

class user {
 public:
  explicit user(sdk::context& ctx) : store_(ctx) {}
  void call(std::string_view, std::string_view, sdk::completion<std::string_view>&& done) {
    sdk::store_ops ops;
    ops.add("n", 1);
    store_.execute(std::move(ops), [done = std::move(done)](const sdk::store_answer& a) mutable {
      done.ok(std::to_string(a[0].number));
    });
  }

 private:
  sdk::store_client store_;
};

}  // namespace

POSTBUS_PLUGINS(POSTBUS_PLUGIN("inner", inner), POSTBUS_PLUGIN("outer", outer),
                POSTBUS_PLUGIN("braggart", braggart), POSTBUS_PLUGIN("around-store", around_store),
                POSTBUS_PLUGIN("user", user))

namespace {

config wrapped(std::string_view wrappers) {
  life.clear();
  return config_for("memory").module(wrapper_plugins).set("transport.wrappers", wrappers);
}

constexpr const char* both = R"(["outer", "inner"])";

error refused(const config& c) {
  return refusal([&] { bus b(c); });
}

std::string capability(const config& c, std::string_view name) {
  for (const capability_info& one : explain_capabilities(c))
    if (one.capability == name) return one.supplied == capability_info::how::native ? "native" : "not native";
  return "not there";
}

}  // namespace

TEST_CASE("wrappers start from the inside out, and stop and end from the outside in", "[wrappers]") {
  { bus b(wrapped(both)); }
  CHECK(life == "i:create o:create i:start o:start o:stop i:stop o:destroy i:destroy ");
}

TEST_CASE("an event meets the outermost wrapper first, and then what it wraps", "[wrappers]") {
  testing::manual_clock clock;
  bus b(wrapped(both).clock(clock));
  std::string got;
  const auto s = b.subscribe("a:*", [&](const delivery& d) { got += d.text(); });
  life.clear();
  b.publish("a:b", "x");
  clock.run_until_idle();
  CHECK(life == "o:publish i:publish ");
  CHECK(got == "x");
}

TEST_CASE("a transport with wrappers can what all of them can", "[wrappers]") {
  CHECK(capability(wrapped("[]"), "groups") == "native");
  CHECK(capability(wrapped(R"(["inner"])"), "groups") == "native");
  CHECK(capability(wrapped(R"(["inner"])"), "persistence") == "not native");
  CHECK(capability(wrapped(both), "groups") == "not native");
  CHECK(capability(wrapped(both), "patterns") == "native");
  bus b(wrapped(both));
  subscribe_options in_group;
  in_group.group = "g";
  CHECK(refusal([&] {
          auto s = b.subscribe(
              "a", [](const delivery&) {}, in_group);
        }).code() == error::unsupported);
  CHECK(refusal([&] { b.publish("a", "more than 10 bytes"); }).code() == error::too_large);
}

TEST_CASE("a wrapper whose table and manifest disagree is refused", "[wrappers]") {
  const error e = refused(wrapped(R"(["braggart"])"));
  CHECK(e.code() == error::bad_plugin);
  CHECK(has(e.found(), "by its manifest and what it wraps"));
}

TEST_CASE("what is no wrapper of the kind is refused as one, and a wrapper as anything else", "[wrappers]") {
  struct row {
    config c;
    const char *found, *remedy;
  };
  const row rows[] = {
      {wrapped(R"(["memory"])"), "'memory' as a wrapper of a transport", "give it as transport.plugin"},
      {wrapped(R"(["user"])"), "'user' as a wrapper of a transport", "list it in bus.features"},
      {wrapped(R"(["around-store"])"), "which wraps a store", "list it in store.wrappers"},
      {wrapped("[]").set("store.plugin", "memory-store").set("store.wrappers", R"(["inner"])"),
       "'inner' as a wrapper of a store", "list it in transport.wrappers"},
      {wrapped("[]").transport("inner"), "'inner' as transport.plugin", "list it in transport.wrappers"},
      {wrapped("[]").feature("inner"), "'inner' as bus.features", "list it in transport.wrappers"},
      {wrapped("[]").set("store.plugin", "around-store"), "'around-store' as store.plugin",
       "list it in store.wrappers"},
      {wrapped(R"(["inner", "outer", "inner"])"), "wrapper 'inner' a second time", "remove it here"},
      {wrapped(R"(["inner"])").set("plugin.inner.topics", R"(["a"])"),
       "plugin.inner.topics (set in code), and 'inner' is a wrapper",
       "remove it: a wrapper is there for every topic"},
      {wrapped("[]").set("plugin.inner.tag", "x"), "no such plugin in bus.features",
       "add it to bus.features, or remove the table"},
      {wrapped("[]").set("store.wrappers", R"(["around-store"])"), "and no store is used",
       "name the store in store.plugin, or remove the setting"},
  };
  for (const row& r : rows) {
    CAPTURE(r.found);
    const error e = refused(r.c);
    CHECK(e.code() == error::bad_config);
    CHECK(has(e.found(), r.found));
    CHECK(e.remedy() == r.remedy);
  }
  CHECK(refused(wrapped(R"(["outher"])")).remedy() == "did you mean 'outer'?");
}

TEST_CASE("a wrapper has its settings, its digest, its health and its methods", "[wrappers]") {
  const config c = wrapped(R"(["inner"])").set("plugin.inner.tag", "mine");
  CHECK(plugin_settings(c, "inner") == R"({"tag":"mine"})");
  CHECK(has(effective_toml(c), "[plugin.inner]\ntag = \"mine\"\n"));
  CHECK_NOTHROW(check(config::from_toml(effective_toml(c)).module(wrapper_plugins)));
  CHECK(has(refused(config(c).set("plugin.inner.sha256", std::string(64, '0'))).found(),
            "of what is part of the program"));
  testing::manual_clock clock;
  bus b(config(c).transport("far", "memory").set("transports.far.wrappers", R"(["inner"])").clock(clock));
  CHECK(has(life, "mine:create mine:create "));
  b.publish("a", "");
  const auto health = b.health();
  const auto is_there = [&](std::string_view name) {
    return std::any_of(health.components.begin(), health.components.end(),
                       [&](const component_health& h) { return h.name == name && h.plugin == "inner"; });
  };
  CHECK(is_there("transport.default.inner"));
  CHECK(is_there("transport.far.inner"));
  CHECK(b.call("inner.count", "{}") == "1");
  CHECK(b.call("default/inner.count", "{}") == "1");
  CHECK(b.call("far/inner.count", "{}") == "0");
  CHECK(refusal([&] { b.call("far/inner.cont"); }).remedy() == "did you mean 'far/inner.count'?");
}

TEST_CASE("the list of plugins says which are wrappers, and which of them are used", "[wrappers]") {
  for (const plugin_info& p : list_plugins(wrapped(R"(["inner"])"))) {
    CAPTURE(p.id);
    if (p.id == "inner" || p.id == "outer") CHECK(p.wraps == "transport");
    if (p.id == "around-store") CHECK(p.wraps == "store");
    if (p.id == "inner" || p.id == "outer") CHECK(p.used == (p.id == "inner"));
    if (p.id == "user") CHECK(p.wraps.empty());
  }
}

TEST_CASE("a plugin that asks for the store gets the outermost wrapper of it", "[wrappers]") {
  testing::manual_clock clock;
  {
    bus b(wrapped("[]").set("store.wrappers", R"(["around-store"])").feature("user").clock(clock));
    CHECK(b.call("user.ask", "{}") == "1");
    CHECK(b.call("user.ask", "{}") == "2");
  }
  CHECK(life == "s:create s:start s:execute s:execute s:stop s:destroy ");
}
