// Conditions: what they are about, and what comes back where none holds.
#include "store_host.hpp"

using namespace postbus::tests;

TEST_CASE("a condition on a key says what is there when it fails, and nothing is changed", "[store]") {
  store_host s;
  CHECK(DO(set("k", "v").if_present()) == conflict());
  CHECK(DO(set("k", "v").if_equal("")) == conflict());
  CHECK(DO(check("k")) == ok(0));
  CHECK(DO(set("k", "v").if_absent()) == ok());
  CHECK(DO(set("k", "w").if_absent()) == conflict({"v"}));
  CHECK(DO(set("k", "w").if_equal("x")) == conflict({"v"}));
  CHECK(DO(get("k")) == ok(0, {"v"}));
  CHECK(DO(set("k", "w").if_equal("v")) == ok());
  CHECK(DO(set("k", "x").if_present()) == ok());
  CHECK(DO(erase("k").if_equal("w")) == conflict({"x"}));
  CHECK(DO(check("k").if_absent()) == conflict({"x"}));
  CHECK(DO(get("k").if_equal("x")) == ok(0, {"x"}));
}

TEST_CASE("of several conditions one must hold", "[store]") {
  store_host s;
  CHECK(DO(set("k", "1").if_equal("0").if_absent()) == ok());
  CHECK(DO(set("k", "2").if_equal("1").if_absent()) == ok());
  CHECK(DO(set("k", "3").if_equal("1").if_absent()) == conflict({"2"}));
}

TEST_CASE("what is no string is there, and equal to nothing", "[store]") {
  store_host s;
  DO(push("l", "v"));
  CHECK(DO(push("l", "w").if_present()) == ok(2));
  CHECK(DO(push("l", "w").if_absent()) == conflict());
  CHECK(DO(erase("l").if_equal("v")) == conflict());
  CHECK(DO(erase("l").number(1).if_at_least()) == conflict());
}

TEST_CASE("a comparison needs an integer; at least holds where nothing is, at most does not", "[store]") {
  store_host s;
  CHECK(DO(set("f", 5).if_at_most()) == conflict());
  CHECK(DO(set("f", 5).if_at_least()) == ok(5));
  CHECK(DO(set("f", 4).if_at_least()) == conflict({"5"}));
  CHECK(DO(set("f", 5).if_at_least()) == ok(5));
  CHECK(DO(check("f").number(5).if_at_most()) == ok(1));
  CHECK(DO(check("f").number(6).if_at_most()) == conflict({"5"}));
  DO(set("word", "abc"));
  CHECK(DO(set("word", 5).if_at_least()) == conflict({"abc"}));
  CHECK(DO(check("word").number(5).if_at_most()) == conflict({"abc"}));
}

TEST_CASE("conditions of a hash are about the field, where there is one", "[store]") {
  store_host s;
  DO(hash_set("h", "f", "6"));
  CHECK(DO(hash_set("h", "f", "7").if_equal("5")) == conflict({"6"}));
  CHECK(DO(hash_set("h", "g", "7").if_present()) == conflict());
  CHECK(DO(hash_set("h", "g", "7").if_absent()) == ok(1));
  CHECK(DO(hash_set("h", "f", 5).if_at_least()) == conflict({"6"}));
  CHECK(DO(hash_set("h", "f", 8).if_at_least()) == ok(0));
  CHECK(DO(hash_add("h", "f", 1).if_equal("8")) == ok(9));
  CHECK(DO(check("h").field("f").if_equal("9")) == ok(1));
  CHECK(DO(get("h", "f").if_absent()) == conflict({"9"}));
  CHECK(DO(hash_erase("h", "f").if_equal("8")) == conflict({"9"}));
  CHECK(DO(hash_take("h", "f").if_equal("9")) == ok(1, {"9"}));
  CHECK(DO(hash_take("h").if_absent()) == conflict());
  CHECK(DO(hash_all("h").if_present()) == ok(1, {"g", "7"}));
}

TEST_CASE("conditions of a sorted set are about the member and its score, where there is one", "[store]") {
  store_host s;
  CHECK(DO(zset_put("z", "m", 5).if_present()) == conflict());
  CHECK(DO(zset_put("z", "m", 5).if_absent()) == ok(5));
  CHECK(DO(zset_put("z", "m", 6).if_absent()) == conflict({"5"}));
  CHECK(DO(zset_put("z", "m", 4).if_at_least()) == conflict({"5"}));
  CHECK(DO(zset_put("z", "m", 6).if_at_least()) == ok(6));
  CHECK(DO(zset_put("z", "m", 7).if_equal("6")) == ok(7));
  CHECK(DO(zset_erase("z", "m").if_equal("6")) == conflict({"7"}));
  CHECK(DO(check("z").member("m").number(8).if_at_most()) == conflict({"7"}));
  CHECK(DO(get("z").member("m").if_present()) == ok(7, {"7"}));
  CHECK(DO(zset_range("z", 0).if_absent()) == conflict());
  CHECK(DO(zset_take("z", 0).if_present()) == ok(0, {"m", "7"}));
}

TEST_CASE("a field or a member of what is no hash or sorted set is absent", "[store]") {
  store_host s;
  DO(set("k", "v"));
  CHECK(DO(hash_erase("k", "f").if_present()) == conflict());
  CHECK(DO(zset_erase("k", "m").if_present()) == conflict());
  CHECK(DO(hash_set("k", "f", "v").if_absent()).status == POSTBUS_E_INVALID);
}

TEST_CASE("every kind but SCAN takes conditions", "[store]") {
  store_host s;
  CHECK(DO(add("k", 1).if_present()) == conflict());
  CHECK(DO(expire("k", 1s).if_present()) == conflict());
  CHECK(DO(take("k").if_present()) == conflict());
  CHECK(DO(list("k").if_present()) == conflict());
  CHECK(DO(length("k").if_present()) == conflict());
  CHECK(DO(zset_count("k", 0).if_present()) == conflict());
  CHECK(DO(window("k", 1, 1s).if_present()) == conflict());
  CHECK(DO(notify("k").if_present()) == conflict());
}
