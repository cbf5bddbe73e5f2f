// A plugin that uses the store of its bus: store_client.hpp.
#include "hosted.hpp"

#include <postbus/testing/load_module.hpp>

#include <postbus/sdk/store_client.hpp>

namespace sdk = postbus::sdk;
using namespace postbus::testing;
using namespace std::chrono_literals;

namespace {

struct user {
  explicit user(sdk::context& ctx) : store(ctx) {}
  void call(std::string_view, std::string_view, sdk::completion<std::string_view>&& done) { done.ok("{}"); }
  sdk::store_client store;
};

// memory-store, and a plugin whose host serves it.
struct pair {
  explicit pair(const char* answers) {
    REQUIRE(backend.create(
        load_module(POSTBUS_TEST_PLUGIN_DIR "/memory.so"), "memory-store",
        settings{{"instance", ""}, {"keys_max", 100}, {"bytes_max", 1'000'000}, {"answers", answers}}));
    REQUIRE(backend.start());
    front.add_service("postbus.store/1", backend.interface<postbus_store>("postbus.store/1"), backend.self());
    REQUIRE(front.create(module_of<user>::module, "it"));
    REQUIRE(front.start());
  }
  sdk::store_client& store() { return sdk::detail::impl_of<user>(front.self()).store; }

  manual_clock clock;
  fake_host backend{clock}, front{clock};
};

}  // namespace

TEST_CASE("ops are written in words, own their texts, and are answered one by one", "[store_client]") {
  const char* const answers = GENERATE("at-once", "later");
  pair p(answers);
  std::string key = "a key that is longer than any short string";
  int called = 0;
  sdk::store_ops ops;
  ops.set(key, "me").if_absent().ttl(15s).in_group(1);
  ops.add("fence", 1).in_group(1);
  ops.get(key);
  key.assign(key.size(), 'x');
  p.store().execute(std::move(ops), [&](const sdk::store_answer& a) {
    ++called;
    CHECK(a.ok());
    REQUIRE(a.size() == 3);
    CHECK(a[1].number == 1);
    CHECK(a[2].value() == "me");
    CHECK(a[2].value(1).empty());
    CHECK(a[3].status == POSTBUS_E_INVALID);
  });
  CHECK(called == (std::string_view(answers) == "later" ? 0 : 1));
  p.clock.run_until_idle();
  CHECK(called == 1);
}

TEST_CASE("one op that fails is not the call that fails", "[store_client]") {
  pair p("at-once");
  sdk::store_ops taken;
  taken.set("k", "v");
  taken.set("k", "w").if_absent();
  p.store().execute(std::move(taken), [](const sdk::store_answer& a) {
    CHECK(a.status() == POSTBUS_OK);
    CHECK_FALSE(a.ok());
    CHECK(a[0]);
    CHECK_FALSE(a[1]);
    CHECK(a[1].value() == "v");
  });
  sdk::store_ops nonsense;
  nonsense.get("");
  bool called = false;
  p.store().execute(std::move(nonsense), [&](const sdk::store_answer& a) {
    called = true;
    CHECK(a.status() == POSTBUS_E_INVALID);
    CHECK_FALSE(a.ok());
    CHECK(a.message() == "op 0 (GET): found no key; wanted one; correct it: nothing was done");
    CHECK(a[0].status == POSTBUS_E_INVALID);
  });
  CHECK(called);
}

TEST_CASE("a client watches and ends it", "[store_client]") {
  pair p("at-once");
  REQUIRE(p.store().can_watch());
  std::vector<std::string> heard;
  auto changed = [&](std::string_view key, std::string_view note) {
    heard.push_back(std::string(key) + "=" + std::string(note));
  };
  std::uint64_t watch = 0;
  p.store().watch("a:", changed, [&](std::int32_t status, std::uint64_t id) {
    CHECK(status == POSTBUS_OK);
    watch = id;
  });
  const auto notify = [&] {
    sdk::store_ops ops;
    ops.notify("a:1", "x");
    p.store().execute(std::move(ops), [](const sdk::store_answer&) {});
    p.clock.run_until_idle();
  };
  notify();
  bool ended = false;
  p.store().unwatch(watch, [&](std::int32_t status) { ended = status == POSTBUS_OK; });
  CHECK(ended);
  notify();
  CHECK(heard == std::vector<std::string>{"a:1=x"});
}

TEST_CASE("without a store everything is answered, and says so", "[store_client]") {
  hosted<user> host;
  sdk::store_client& store = host.it().store;
  CHECK_FALSE(store);
  CHECK_FALSE(store.can_watch());
  int answers = 0;
  sdk::store_ops ops;
  ops.get("k");
  store.execute(std::move(ops), [&](const sdk::store_answer& a) {
    ++answers;
    CHECK(a.status() == POSTBUS_E_UNSUPPORTED);
    CHECK(a.message() == "this bus has no such store");
  });
  auto changed = [](std::string_view, std::string_view) {};
  store.watch("", changed,
              [&](std::int32_t status, std::uint64_t) { answers += status == POSTBUS_E_UNSUPPORTED; });
  store.unwatch(1, [&](std::int32_t status) { answers += status == POSTBUS_E_UNSUPPORTED; });
  CHECK(answers == 3);
}

TEST_CASE("what a callback throws is logged, and a plugin stops after its last callback", "[store_client]") {
  pair p("later");
  sdk::store_ops ops;
  ops.get("k");
  p.store().execute(std::move(ops), [](const sdk::store_answer&) { throw std::runtime_error("broke"); });
  const answer stopped = p.front.stop();
  CHECK(stopped.ready());
  CHECK(p.front.log() == std::vector<log_line>{{POSTBUS_LOG_ERROR, "broke"}});
}
