// What a C++ author of a store writes, and what the host sees of it: store.hpp.
#include "hosted.hpp"

namespace sdk = postbus::sdk;
using namespace postbus::testing;

namespace {

// Counts its ops; throws in the function that `throws` names, or drops the answer there.
struct counting {
  explicit counting(sdk::context&) {}
  void execute(std::span<const postbus_op> ops, sdk::store_completion&& done) {
    enter("execute");
    std::vector<postbus_op_result> results;
    for (const postbus_op& op : ops)
      results.push_back({POSTBUS_OK, 1, op.number, op.kind == POSTBUS_GET ? &op.value : &op.expect});
    if (forgets != "execute") done.ok(results);
  }
  void watch(std::string_view prefix, const sdk::watcher& who, sdk::completion<std::uint64_t>&& done) {
    enter("watch");
    watched = prefix;
    told = who;
    if (forgets != "watch") done.ok(41);
  }
  void unwatch(std::uint64_t watch, sdk::completion<>&& done) {
    enter("unwatch");
    ended = watch;
    if (forgets != "unwatch") done.ok();
  }
  void enter(const char* function) const {
    if (throws == function) throw sdk::failure(POSTBUS_E_UNAVAILABLE, std::string(function) + " broke");
  }

  std::string throws, forgets, watched;
  std::optional<sdk::watcher> told;
  std::uint64_t ended = 0;
};

struct least {
  explicit least(sdk::context&) {}
  void execute(std::span<const postbus_op>, sdk::store_completion&& done) { done.ok(); }
};

}  // namespace

TEST_CASE("the table of a store has what the class has, and no more", "[store_face]") {
  const hosted<counting> full;
  const auto* t = full.interface<postbus_store>("postbus.store/1");
  CHECK(t->size == sizeof(postbus_store));
  CHECK(POSTBUS_CAN(t, watch));
  CHECK(POSTBUS_CAN(t, unwatch));
  const hosted<least> bare;
  const auto* m = bare.interface<postbus_store>("postbus.store/1");
  CHECK_FALSE(POSTBUS_CAN(m, watch));
  CHECK_FALSE(POSTBUS_CAN(m, unwatch));
}

TEST_CASE("an execute is answered per op, and a watch by its name", "[store_face]") {
  hosted<counting> host;
  sdk::store_ops ops;
  ops.get("k").member("m").number(5);
  ops.check("k").if_equal("e");
  CHECK(host.execute(std::move(ops)).results() ==
        std::vector<op_result>{{POSTBUS_OK, 5, {"m"}}, {POSTBUS_OK, 0, {"e"}}});
  std::string heard;
  std::function<void(std::string_view, std::string_view)> changed = [&](std::string_view key,
                                                                        std::string_view note) {
    heard += "[" + std::string(key) + "=" + std::string(note) + "]";
  };
  CHECK(host.watch("a:", changed).number() == 41);
  CHECK(host.it().watched == "a:");
  host.it().told->changed("a:1", "x");
  host.it().told->lost();
  CHECK(heard == "[a:1=x][=]");
  CHECK(host.unwatch(41));
  CHECK(host.it().ended == 41);
}

TEST_CASE("an exception in any function of a store is its answer, and so is an answer it drops",
          "[store_face]") {
  hosted<counting> host;
  std::function<void(std::string_view, std::string_view)> changed = [](auto, auto) {};
  const auto check = [&](const char* function, const auto& call) {
    CAPTURE(function);
    host.it().throws = function;
    const answer a = call();
    host.it().throws.clear();
    CHECK(a.status() == POSTBUS_E_UNAVAILABLE);
    CHECK(a.message() == std::string(function) + " broke");
    host.it().forgets = function;
    CHECK(call().status() == POSTBUS_E_CANCELLED);
  };
  check("execute", [&] { return host.execute({}); });
  check("watch", [&] { return host.watch("", changed); });
  check("unwatch", [&] { return host.unwatch(1); });
}
