// The rows of docs/store.md on lists, hashes and sorted sets.
#include "store_host.hpp"

using namespace postbus::tests;

namespace {

void fill_list(store_host& s) {
  for (const char* v : {"a", "b", "c", "d"}) DO(push("l", v));
}
void fill_zset(store_host& s) {
  DO(zset_put("z", "three", 3));
  DO(zset_put("z", "one", 1));
  DO(zset_put("z", "two", 2));
  DO(zset_put("z", "deux", 2));
}

}  // namespace

TEST_CASE("LIST_PUSH puts at the back, or at the front, up to the limit", "[store]") {
  store_host s;
  CHECK(DO(push("l", "b").limit(2)) == ok(1));
  CHECK(DO(push("l", "a").front().limit(2)) == ok(2));
  CHECK(DO(push("l", "c").limit(2)) == full(2));
  CHECK(DO(list("l")) == ok(2, {"a", "b"}));
  CHECK(DO(push("l", "c")) == ok(3));
  DO(set("text", "v"));
  CHECK(DO(push("text", "v")) ==
        invalid("'text' holds a string; wanted a list: use another key, or erase this one first"));
  DO(push("l", "d").ttl(10s));
  s.clock().advance(10s);
  CHECK(DO(check("l")) == ok(0));
}

TEST_CASE("LIST_TAKE takes from the front, and a list of nothing is none", "[store]") {
  store_host s;
  fill_list(s);
  CHECK(DO(take("l").limit(3)) == ok(1, {"a", "b", "c"}));
  CHECK(DO(take("l")) == ok(0, {"d"}));
  CHECK(DO(take("l")) == ok());
  CHECK(DO(check("l")) == ok(0));
}

TEST_CASE("LIST_TAKE moves to the back of another list, or to its front, in order", "[store]") {
  store_host s;
  fill_list(s);
  DO(push("to", "x"));
  CHECK(DO(take("l").limit(2).to("to")) == ok(2, {"a", "b"}));
  CHECK(DO(list("to")) == ok(3, {"x", "a", "b"}));
  CHECK(DO(take("l").to("to").front().ttl(10s)) == ok(0, {"c", "d"}));
  CHECK(DO(list("to")) == ok(5, {"c", "d", "x", "a", "b"}));
  CHECK(DO(check("l")) == ok(0));
  CHECK(DO(take("to").limit(2).to("to")) == ok(5, {"c", "d"}));
  CHECK(DO(list("to")) == ok(5, {"x", "a", "b", "c", "d"}));
  DO(set("text", "v"));
  CHECK(DO(take("to").to("text")).status == POSTBUS_E_INVALID);
  CHECK(DO(take("text")).status == POSTBUS_E_INVALID);
  s.clock().advance(10s);
  CHECK(DO(check("to")) == ok(0));
}

TEST_CASE("LIST_RANGE shows from an index on, counted from the front or from the end", "[store]") {
  store_host s;
  fill_list(s);
  CHECK(DO(list("l")) == ok(4, {"a", "b", "c", "d"}));
  CHECK(DO(list("l", 1).limit(2)) == ok(4, {"b", "c"}));
  CHECK(DO(list("l", -1)) == ok(4, {"d"}));
  CHECK(DO(list("l", -9).limit(1)) == ok(4, {"a"}));
  CHECK(DO(list("l", 9)) == ok(4));
  CHECK(DO(list("none")) == ok());
  DO(set("text", "v"));
  CHECK(DO(list("text")).status == POSTBUS_E_INVALID);
}

TEST_CASE("LIST_LEN gives the length", "[store]") {
  store_host s;
  fill_list(s);
  CHECK(DO(length("l")) == ok(4));
  CHECK(DO(length("none")) == ok(0));
  DO(set("text", "v"));
  CHECK(DO(length("text")).status == POSTBUS_E_INVALID);
}

TEST_CASE("HASH_SET says whether the field is new, and knows a limit", "[store]") {
  store_host s;
  CHECK(DO(hash_set("h", "f", "v").limit(1)) == ok(1));
  CHECK(DO(hash_set("h", "f", "w").limit(1)) == ok(0));
  CHECK(DO(hash_set("h", "g", "v").limit(1)) == full(1));
  CHECK(DO(hash_all("h")) == ok(1, {"f", "w"}));
  const std::int64_t now = s.clock().wall_ns();
  CHECK(DO(hash_set("h", "t", 5).store_time()) == ok(1));
  CHECK(DO(get("h", "t")) == ok(now + 5, {std::to_string(now + 5)}));
  DO(set("text", "v"));
  CHECK(DO(hash_set("text", "f", "v")).status == POSTBUS_E_INVALID);
  DO(hash_set("h", "f", "x").ttl(10s));
  s.clock().advance(10s);
  CHECK(DO(check("h")) == ok(0));
}

TEST_CASE("HASH_ADD counts a field from nothing, and knows a limit", "[store]") {
  store_host s;
  CHECK(DO(hash_add("h", "f", 5).limit(1)) == ok(5));
  CHECK(DO(hash_add("h", "f", -6).limit(1)) == ok(-1));
  CHECK(DO(hash_add("h", "g", 1).limit(1)) == full(1));
  DO(hash_set("h", "word", "abc"));
  CHECK(DO(hash_add("h", "word", 1)).status == POSTBUS_E_INVALID);
  DO(hash_add("h", "f", 1).ttl(10s));
  s.clock().advance(10s);
  CHECK(DO(check("h")) == ok(0));
}

TEST_CASE("HASH_ERASE says whether the field was there, and a hash of nothing is none", "[store]") {
  store_host s;
  DO(hash_set("h", "f", "v"));
  CHECK(DO(hash_erase("h", "g")) == ok(0));
  CHECK(DO(hash_erase("h", "f")) == ok(1));
  CHECK(DO(hash_erase("h", "f")) == ok(0));
  CHECK(DO(check("h")) == ok(0));
}

TEST_CASE("HASH_ALL gives fields and values", "[store]") {
  store_host s;
  DO(hash_set("h", "f", "v"));
  DO(hash_set("h", "g", "w"));
  CHECK(DO(hash_all("h")) == ok(2, {"f", "v", "g", "w"}));
  CHECK(DO(hash_all("none")) == ok());
  DO(set("text", "v"));
  CHECK(DO(hash_all("text")).status == POSTBUS_E_INVALID);
}

TEST_CASE("HASH_TAKE gives and erases a field, or all of them", "[store]") {
  store_host s;
  DO(hash_set("h", "f", "v"));
  DO(hash_set("h", "g", "w"));
  DO(hash_set("h", "i", "x"));
  CHECK(DO(hash_take("h", "g")) == ok(2, {"w"}));
  CHECK(DO(hash_take("h", "g")) == ok(2));
  CHECK(DO(hash_take("h")) == ok(0, {"f", "v", "i", "x"}));
  CHECK(DO(hash_take("h")) == ok());
  CHECK(DO(hash_take("h", "f")) == ok());
  CHECK(DO(check("h")) == ok(0));
}

TEST_CASE("ZSET_PUT gives a member its score, also by the store's time, up to the limit", "[store]") {
  store_host s;
  CHECK(DO(zset_put("z", "m", 5).limit(1)) == ok(5));
  CHECK(DO(zset_put("z", "m", 4).limit(1)) == ok(4));
  CHECK(DO(zset_put("z", "n", 4).limit(1)) == full(1));
  const std::int64_t now = s.clock().wall_ns();
  CHECK(DO(zset_put("z", "m", 7).store_time()) == ok(now + 7));
  CHECK(DO(zset_range("z", INT64_MIN)) == ok(1, {"m", std::to_string(now + 7)}));
  DO(set("text", "v"));
  CHECK(DO(zset_put("text", "m", 1)).status == POSTBUS_E_INVALID);
  DO(zset_put("z", "m", 1).ttl(10s));
  s.clock().advance(10s);
  CHECK(DO(check("z")) == ok(0));
}

TEST_CASE("ZSET_ERASE says whether the member was there, and a sorted set of nothing is none", "[store]") {
  store_host s;
  DO(zset_put("z", "m", 5));
  CHECK(DO(zset_erase("z", "n")) == ok(0));
  CHECK(DO(zset_erase("z", "m")) == ok(1));
  CHECK(DO(zset_erase("z", "m")) == ok(0));
  CHECK(DO(check("z")) == ok(0));
}

TEST_CASE("ZSET_RANGE shows from a score up, or up to one, by score and then by member", "[store]") {
  store_host s;
  fill_zset(s);
  CHECK(DO(zset_range("z", 2)) == ok(4, {"deux", "2", "two", "2", "three", "3"}));
  CHECK(DO(zset_range("z", 2).limit(1)) == ok(4, {"deux", "2"}));
  CHECK(DO(zset_range("z", 2).front()) == ok(4, {"one", "1", "deux", "2", "two", "2"}));
  CHECK(DO(zset_range("z", INT64_MAX).front()).values.size() == 8);
  CHECK(DO(zset_range("z", INT64_MIN)).values.size() == 8);
  CHECK(DO(zset_range("z", 4)) == ok(4));
  CHECK(DO(zset_range("none", 0)) == ok());
}

TEST_CASE("a sorted set of times is looked at by the store's time", "[store]") {
  store_host s;
  DO(zset_put("z", "soon", 1000).store_time());
  DO(zset_put("z", "late", 2000).store_time());
  s.clock().advance(1500ns);
  CHECK(DO(zset_count("z", 0).store_time()) == ok(1));
  CHECK(DO(zset_count("z", 0).store_time().front()) == ok(1));
  CHECK(DO(zset_take("z", 0).store_time().front()).values.at(0) == "soon");
  CHECK(DO(zset_range("z", 0).store_time()).values.at(0) == "late");
}

TEST_CASE("ZSET_TAKE gives what ZSET_RANGE gives, and erases it", "[store]") {
  store_host s;
  fill_zset(s);
  CHECK(DO(zset_take("z", 2).front().limit(2)) == ok(2, {"one", "1", "deux", "2"}));
  CHECK(DO(zset_take("z", 3)) == ok(1, {"three", "3"}));
  CHECK(DO(zset_take("z", 0)) == ok(0, {"two", "2"}));
  CHECK(DO(check("z")) == ok(0));
}

TEST_CASE("ZSET_COUNT counts what ZSET_RANGE would give", "[store]") {
  store_host s;
  fill_zset(s);
  CHECK(DO(zset_count("z", 2)) == ok(3));
  CHECK(DO(zset_count("z", 2).front()) == ok(3));
  CHECK(DO(zset_count("z", 4)) == ok(0));
  CHECK(DO(zset_count("none", 0)) == ok(0));
  DO(set("text", "v"));
  CHECK(DO(zset_count("text", 0)).status == POSTBUS_E_INVALID);
}
