// A store that loses what it should tell: an abort reaches what runs all the same once the store says so.
#define POSTBUS_MODULE deaf_store_module
#define POSTBUS_PLUGIN_MANIFEST                                                                   \
  R"({"id": "deaf-store", "version": "1.0.0", "abi": 1, "wraps": "store", "methods": ["lost"],)"  \
  R"( "provides": ["postbus.store/1", "postbus.control/1"], "config_schema": {"type": "object",)" \
  R"( "properties": {"watches": {"type": "boolean", "default": true}}}})"
#include "core/refusal.hpp"
#include "steered.hpp"

#include <postbus/sdk/plugin.hpp>
#include <postbus/sdk/wrapper.hpp>

using namespace postbus;
using namespace postbus::tests;

namespace {

class deaf_store : public sdk::store_wrapper {
 public:
  explicit deaf_store(sdk::context& ctx) : store_wrapper(ctx), watches_(ctx.boolean("watches")) {}
  void watch(std::string_view, const sdk::watcher& to, sdk::completion<std::uint64_t>&& done) {
    if (!watches_) return done.fail(POSTBUS_E_UNSUPPORTED, "this store cannot watch");
    told_.push_back(to);
    done.ok(told_.size());
  }
  void unwatch(std::uint64_t, sdk::completion<>&& done) {
    told_.clear();
    done.ok();
  }
  void call(std::string_view, std::string_view, sdk::completion<std::string_view>&& done) {
    for (const sdk::watcher& w : told_) w.lost();
    done.ok("{}");
  }

 private:
  const bool watches_;
  std::vector<sdk::watcher> told_;
};

config with_deaf_store(testing::manual_clock& clock) {
  return with_steering({{"store.plugin", "memory-store"}, {"store.wrappers", "[\"deaf-store\"]"}})
      .module(deaf_store_module)
      .clock(clock);
}

}  // namespace

POSTBUS_PLUGINS(POSTBUS_PLUGIN("deaf-store", deaf_store))

TEST_CASE("after notes were lost the inbox of each session that runs is looked at", "[steering]") {
  testing::manual_clock clock;
  bus b(with_deaf_store(clock));
  std::vector<settlement> open;
  const auto s = b.subscribe("work:{session_id}", [&](const delivery& d) { open.push_back(d.defer()); });
  for (const char* topic : {"work:s1", "work:s2", "work:s3"}) b.publish(topic, "");
  clock.run_until_idle();
  steering(b, "s1").push("stop");
  steering(b, "s2").push("go on");
  steering(b, "s3").push("the other file", {.interrupt = true});
  clock.run_until_idle();
  CHECK_FALSE(open[0].stop_requested());
  b.call("deaf-store.lost");
  clock.run_until_idle();
  CHECK(open[0].stop_requested());
  CHECK_FALSE(open[1].stop_requested());
  CHECK(open[2].stop_requested());
  open.clear();
}

TEST_CASE("a store that tells nothing at all is refused at the start", "[steering]") {
  testing::manual_clock clock;
  const error e = refusal([&] { bus b(with_deaf_store(clock).set("plugin.deaf-store.watches", "false")); });
  CHECK(e.code() == error::unsupported);
  CHECK(has(e.what(), "wanted one with watches"));
}
