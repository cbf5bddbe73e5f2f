// Groups: all of their ops, or none.
#include "store_host.hpp"

using namespace postbus::tests;
using postbus::sdk::store_ops;

TEST_CASE("a condition that fails cancels its group, and only it", "[store]") {
  store_host s;
  DO(set("held", "v"));
  CHECK(s.all([](store_ops& o) {
    o.set("before", "1").in_group(1);
    o.set("held", "w").if_absent().in_group(2);
    o.set("with", "1").in_group(2);
    o.set("alone", "1");
    o.set("after", "1").in_group(2);
  }) == std::vector<op_result>{ok(), conflict({"v"}), cancelled(), ok(), ok()});
  CHECK(DO(check("with")) == ok(0));
  CHECK(DO(check("before")) == ok(1));
  CHECK(DO(check("after")) == ok(1));
}

TEST_CASE("the conditions of a group see what was there before it, its ops what the ones before them did",
          "[store]") {
  store_host s;
  CHECK(s.all([](store_ops& o) {
    o.set("k", "5").in_group(1);
    o.add("k", 2).if_absent().in_group(1);
    o.get("k").in_group(1);
  }) == std::vector<op_result>{ok(), ok(7), ok(7, {"7"})});
}

TEST_CASE("a group that fails at its end leaves every kind of value as it was", "[store]") {
  store_host s;
  DO(set("text", "v").ttl(10s));
  for (const char* v : {"a", "b", "c"}) DO(push("list", v));
  DO(push("other", "x"));
  DO(hash_set("hash", "f", "1"));
  DO(hash_set("hash", "g", "2"));
  DO(zset_put("zset", "m", 1));
  DO(zset_put("zset", "n", 2));
  DO(window("window", 5, 10s));
  const std::string before = s.call("health").text();

  const auto results = s.all([](store_ops& o) {
    o.set("text", "longer").in_group(1);
    o.set("new", "v").ttl(1s).in_group(1);
    o.expire("new", 2s).in_group(1);
    o.push("list", "d").in_group(1);
    o.push("list", "z").front().in_group(1);
    o.take("list").limit(2).to("other").front().in_group(1);
    o.take("list").to("made").in_group(1);
    o.take("other").limit(1).in_group(1);
    o.hash_set("hash", "f", "longer").in_group(1);
    o.hash_set("hash", "new", "v").in_group(1);
    o.hash_erase("hash", "g").in_group(1);
    o.hash_take("hash").in_group(1);
    o.zset_put("zset", "m", 7).in_group(1);
    o.zset_put("zset", "new", 8).in_group(1);
    o.zset_erase("zset", "n").in_group(1);
    o.zset_take("zset", 0).in_group(1);
    o.window("window", 5, 10s).in_group(1);
    o.erase("text").in_group(1);
    o.push("text", "now a list").in_group(1);
    o.erase("window").in_group(1);
    o.add("made", 1).in_group(1);
  });
  for (std::size_t i = 0; i + 1 < results.size(); ++i) CHECK(results[i] == cancelled());
  CHECK(results.back().status == POSTBUS_E_INVALID);

  CHECK(s.call("health").text() == before);
  CHECK(DO(get("text")) == ok(0, {"v"}));
  CHECK(DO(list("list")) == ok(3, {"a", "b", "c"}));
  CHECK(DO(list("other")) == ok(1, {"x"}));
  CHECK(DO(hash_all("hash")) == ok(2, {"f", "1", "g", "2"}));
  CHECK(DO(zset_range("zset", 0)) == ok(2, {"m", "1", "n", "2"}));
  CHECK(DO(window("window", 5, 10s)) == ok(3));
  CHECK(DO(scan("", "", 0)) == ok(6, {"", "hash", "list", "other", "text", "window", "zset"}));
  s.clock().advance(10s);
  CHECK(DO(check("text")) == ok(0));
}

TEST_CASE("a limit that is reached cancels the group", "[store]") {
  store_host s;
  DO(push("l", "a"));
  CHECK(s.all([](store_ops& o) {
    o.set("k", "v").in_group(1);
    o.push("l", "b").limit(1).in_group(1);
  }) == std::vector<op_result>{cancelled(), full(1)});
  CHECK(DO(check("k")) == ok(0));
}

TEST_CASE("a group may empty a list and fill it again to its limit", "[store]") {
  store_host s;
  DO(push("l", "a"));
  CHECK(s.all([](store_ops& o) {
    o.erase("l").in_group(1);
    o.push("l", "b").limit(1).in_group(1);
  }) == std::vector<op_result>{ok(1), ok(1)});
}
