// Watches: who is told what, when, and that it ends.
#include "store_host.hpp"

using namespace postbus::tests;
using postbus::sdk::store_ops;

namespace {

// Writes down what it is told.
struct listener {
  std::vector<std::string> heard;
  std::function<void(std::string_view, std::string_view)> changed = [this](std::string_view key,
                                                                           std::string_view note) {
    heard.push_back(std::string(key) + "=" + std::string(note));
  };
};

}  // namespace

TEST_CASE("a watch is told the notes of its prefix, in their order, until it ends", "[store]") {
  store_host s;
  listener all, some;
  const auto w = s.watch("a:", some.changed);
  REQUIRE(w);
  REQUIRE(s.watch("", all.changed));
  s.all([](store_ops& o) {
    o.notify("a:1", "x");
    o.notify("b:1", "y");
    o.notify("a:1", "z");
  });
  CHECK(some.heard == values{"a:1=x", "a:1=z"});
  CHECK(all.heard == values{"a:1=x", "b:1=y", "a:1=z"});
  REQUIRE(s.unwatch(w.number()));
  DO(notify("a:1", "late"));
  CHECK(some.heard.size() == 2);
  CHECK(all.heard.size() == 4);
  CHECK(s.call("health").text() == R"({"keys":0,"bytes":0,"watches":1})");
}

TEST_CASE("only NOTIFY is told, and only of a group that was done", "[store]") {
  store_host s;
  listener l;
  REQUIRE(s.watch("", l.changed));
  DO(set("k", "v"));
  s.all([](store_ops& o) {
    o.notify("k", "failed").in_group(1);
    o.set("k", "w").if_absent().in_group(1);
    o.notify("k", "done").in_group(2);
    o.set("k", "w").in_group(2);
  });
  s.all([](store_ops& o) {
    o.notify("k", "failed").in_group(1);
    o.push("k", "no list").in_group(1);
  });
  CHECK(l.heard == values{"k=done"});
}

TEST_CASE("a watch is told by a task of the bus, when execute has returned", "[store]") {
  store_host s;
  listener l;
  REQUIRE(s.watch("", l.changed));
  const auto* table = s.interface<postbus_store>("postbus.store/1");
  store_ops ops;
  ops.notify("k", "n");
  table->execute(s.self(), ops.all().data(), 1, {});
  CHECK(l.heard.empty());
  s.clock().run_until_idle();
  CHECK(l.heard == values{"k=n"});
}

TEST_CASE("a note from before a watch began is not told to it", "[store]") {
  store_host s;
  listener early, late;
  REQUIRE(s.watch("", early.changed));
  const auto* table = s.interface<postbus_store>("postbus.store/1");
  store_ops ops;
  ops.notify("k", "n");
  table->execute(s.self(), ops.all().data(), 1, {});
  table->watch(
      s.self(), {"", 0},
      [](void* to, postbus_str, postbus_bytes) { static_cast<listener*>(to)->heard.emplace_back("told"); },
      &late, {});
  s.clock().run_until_idle();
  CHECK(early.heard.size() == 1);
  CHECK(late.heard.empty());
}

TEST_CASE("a watch may use the store, and may end itself; the answer comes after its call", "[store]") {
  store_host s;
  const auto* table = s.interface<postbus_store>("postbus.store/1");
  listener l;
  std::uint64_t id = 0;
  bool inside = false, ended_inside = false, ended = false;
  struct ends {
    bool &inside, &ended_inside, &ended;
  } state{inside, ended_inside, ended};
  l.changed = [&](std::string_view key, std::string_view) {
    l.heard.emplace_back(key);
    inside = true;
    store_ops ops;
    ops.notify("again");
    ops.add("told", 1);
    table->execute(s.self(), ops.all().data(), 2, {});
    table->unwatch(s.self(), id,
                   {[](void* ctx, std::int32_t status, const void*, const postbus_error*) {
                      auto& e = *static_cast<ends*>(ctx);
                      e.ended = status == POSTBUS_OK;
                      e.ended_inside = e.inside;
                    },
                    &state});
    inside = false;
  };
  id = s.watch("", l.changed).number();
  DO(notify("first"));
  CHECK(l.heard == values{"first"});
  CHECK(ended);
  CHECK_FALSE(ended_inside);
  CHECK(DO(get("told")) == ok(1, {"1"}));
}

TEST_CASE("a watch that is not there cannot be ended", "[store]") {
  postbus::testing::manual_clock clock;
  store_host one(clock, {{"instance", "ends"}}), two(clock, {{"instance", "ends"}});
  listener l;
  const auto w = one.watch("", l.changed);
  CHECK(two.unwatch(w.number()).status() == POSTBUS_E_INVALID);
  CHECK(one.unwatch(77).message() ==
        "found no watch 77; wanted one that watch() gave and unwatch() did not end");
  CHECK(one.unwatch(w.number()));
  CHECK(one.unwatch(w.number()).status() == POSTBUS_E_INVALID);
}

TEST_CASE("a watch hears of every bus of the instance, and ends with its own", "[store]") {
  postbus::testing::manual_clock clock;
  store_host s(clock, {{"instance", "heard"}});
  listener l;
  {
    store_host listens(clock, {{"instance", "heard"}});
    REQUIRE(listens.watch("", l.changed));
    DO(notify("k", "1"));
    CHECK(l.heard == values{"k=1"});
    REQUIRE(listens.stop());
    listens.destroy();
  }
  DO(notify("k", "2"));
  CHECK(l.heard.size() == 1);
}

TEST_CASE("a watch of a store that answers later is answered later", "[store]") {
  store_host s(settings{{"answers", "later"}});
  listener l;
  const auto w = s.watch("", l.changed);
  REQUIRE(w);
  DO(notify("k", "n"));
  CHECK(l.heard == values{"k=n"});
  CHECK(s.unwatch(w.number()));
}
