// The rows of docs/store.md on whole keys, strings, windows, and names of keys.
#include "store_host.hpp"

using namespace postbus::tests;

TEST_CASE("CHECK says whether a key of any type, a field or a member is there", "[store]") {
  store_host s;
  DO(set("text", ""));
  DO(push("list", "a"));
  DO(hash_set("hash", "f", "v"));
  DO(zset_put("zset", "m", 1));
  CHECK(DO(check("text")) == ok(1));
  CHECK(DO(check("list")) == ok(1));
  CHECK(DO(check("none")) == ok(0));
  CHECK(DO(check("hash").field("f")) == ok(1));
  CHECK(DO(check("hash").field("g")) == ok(0));
  CHECK(DO(check("none").field("f")) == ok(0));
  CHECK(DO(check("zset").member("m")) == ok(1));
  CHECK(DO(check("zset").member("n")) == ok(0));
  CHECK(DO(check("text").field("f")) ==
        invalid("'text' holds a string; wanted a hash: use another key, or erase this one first"));
  CHECK(DO(check("text").member("m")) ==
        invalid("'text' holds a string; wanted a sorted set: use another key, or erase this one first"));
}

TEST_CASE("GET gives the value and, where it is one, the integer", "[store]") {
  store_host s;
  DO(set("word", "abc"));
  DO(set("number", "-12"));
  DO(set("nearly", "12x"));
  DO(hash_set("hash", "f", "7"));
  DO(zset_put("zset", "m", -3));
  CHECK(DO(get("word")) == ok(0, {"abc"}));
  CHECK(DO(get("number")) == ok(-12, {"-12"}));
  CHECK(DO(get("nearly")) == ok(0, {"12x"}));
  CHECK(DO(get("none")) == ok());
  CHECK(DO(get("hash", "f")) == ok(7, {"7"}));
  CHECK(DO(get("hash", "g")) == ok());
  CHECK(DO(get("zset").member("m")) == ok(-3, {"-3"}));
  CHECK(DO(get("zset").member("n")) == ok());
  CHECK(DO(get("hash")).status == POSTBUS_E_INVALID);
  CHECK(DO(get("word", "f")).status == POSTBUS_E_INVALID);
  CHECK(DO(get("word").member("m")).status == POSTBUS_E_INVALID);
}

TEST_CASE("SET replaces what is there, of whatever type, and its ttl", "[store]") {
  store_host s;
  DO(push("k", "a"));
  CHECK(DO(set("k", "v").ttl(10s)) == ok());
  CHECK(DO(get("k")) == ok(0, {"v"}));
  CHECK(DO(set("k", "w")) == ok());
  s.clock().advance(11s);
  CHECK(DO(get("k")) == ok(0, {"w"}));
}

TEST_CASE("SET with a comparison or the store's time stores the number", "[store]") {
  store_host s;
  CHECK(DO(set("fence", 17).if_at_least()) == ok(17));
  CHECK(DO(get("fence")) == ok(17, {"17"}));
  const std::int64_t now = s.clock().wall_ns();
  CHECK(DO(set("until", 5).store_time()) == ok(now + 5));
  CHECK(DO(get("until")) == ok(now + 5, {std::to_string(now + 5)}));
}

TEST_CASE("ERASE takes a key of any type away and says whether it was there", "[store]") {
  store_host s;
  DO(zset_put("k", "m", 1));
  CHECK(DO(erase("k")) == ok(1));
  CHECK(DO(erase("k")) == ok(0));
  CHECK(DO(check("k")) == ok(0));
}

TEST_CASE("ADD counts from nothing, keeps the ttl unless it has one, and refuses what is no integer",
          "[store]") {
  store_host s;
  CHECK(DO(add("n", 5).ttl(10s)) == ok(5));
  CHECK(DO(add("n", -7)) == ok(-2));
  s.clock().advance(10s);
  CHECK(DO(add("n", 1)) == ok(1));
  DO(set("word", "abc"));
  CHECK(DO(add("word", 1)) ==
        invalid("'word' holds what is no integer; wanted one to add to: store one, or use another key"));
  DO(set("most", "9223372036854775807"));
  CHECK(DO(add("most", 1)) ==
        invalid("'most' holds 9223372036854775807; wanted it with 1 to be an integer of 64 bits: add less"));
  CHECK(DO(get("most")) == ok(INT64_MAX, {"9223372036854775807"}));
  DO(push("list", "a"));
  CHECK(DO(add("list", 1)).status == POSTBUS_E_INVALID);
}

TEST_CASE("EXPIRE sets a ttl on a key of any type, and takes it away", "[store]") {
  store_host s;
  DO(push("k", "a"));
  CHECK(DO(expire("k", 10s)) == ok(1));
  CHECK(DO(expire("none", 10s)) == ok(0));
  s.clock().advance(9s);
  CHECK(DO(expire("k", 0s)) == ok(1));
  s.clock().advance(1h);
  CHECK(DO(check("k")) == ok(1));
  DO(expire("k", 10s));
  s.clock().advance(10s);
  CHECK(DO(check("k")) == ok(0));
}

TEST_CASE("WINDOW takes at most its limit in any time of its length, and says when there is room",
          "[store]") {
  store_host s;
  CHECK(DO(window("w", 3, 10s)) == ok(2));
  s.clock().advance(4s);
  CHECK(DO(window("w", 3, 10s, 2)) == ok(0));
  CHECK(DO(window("w", 3, 10s)) == full(std::chrono::nanoseconds(6s).count()));
  CHECK(DO(window("w", 3, 10s, 2)) == full(std::chrono::nanoseconds(10s).count()));
  s.clock().advance(6s);
  CHECK(DO(window("w", 3, 10s)) == ok(0));
  s.clock().advance(10s);
  CHECK(DO(check("w")) == ok(0));
  CHECK(DO(window("w", 3, 10s, 3)) == ok(0));
  DO(set("text", "v"));
  CHECK(DO(window("text", 3, 10s)).status == POSTBUS_E_INVALID);
}

TEST_CASE("SCAN gives every key of a prefix once, a page at a time", "[store]") {
  store_host s;
  for (const char* key : {"a:1", "a:2", "a:3", "a", "b:1"}) DO(set(key, "v"));
  DO(push("a:4", "v"));
  CHECK(DO(scan("a:", "", 0)) == ok(4, {"", "a:1", "a:2", "a:3", "a:4"}));
  const op_result first = DO(scan("a:", "", 3));
  CHECK(first == ok(3, {"a:3", "a:1", "a:2", "a:3"}));
  DO(erase("a:3"));
  CHECK(DO(scan("a:", first.values[0], 3)) == ok(1, {"", "a:4"}));
  CHECK(DO(scan("c", "", 3)) == ok(0, {""}));
  CHECK(DO(scan("", "", 0)).number == 5);
}

TEST_CASE("NOTIFY gives nothing back", "[store]") {
  store_host s;
  CHECK(DO(notify("k", "note")) == ok());
  CHECK(DO(check("k")) == ok(0));
}
