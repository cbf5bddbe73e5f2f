// What a store takes, what it answers when it is full or asked nonsense, and what it says of itself.
#include "store_host.hpp"

using namespace postbus::tests;
using postbus::sdk::store_ops;

TEST_CASE("past keys_max no key is made, and reads, changes and erases go on", "[store]") {
  store_host s({{"keys_max", 2}});
  DO(set("a", "1"));
  DO(push("b", "1"));
  CHECK(DO(set("c", "1")).status == POSTBUS_E_FULL);
  CHECK(
      DO(push("c", "1")) ==
      op_result{POSTBUS_E_FULL,
                0,
                {"the store holds 2 keys and 4 bytes; wanted room for more: erase some, or raise keys_max or "
                 "bytes_max"}});
  CHECK(DO(get("a")) == ok(1, {"1"}));
  CHECK(DO(push("b", "2")) == ok(2));
  CHECK(s.call("health").text() ==
        R"({"keys":2,"bytes":5,"watches":0,"state":"degraded","reason":"the store is full: it holds 2 keys",)"
        R"("remedy":"look for keys that nobody erases, or raise keys_max"})");
  CHECK(DO(erase("a")) == ok(1));
  CHECK(DO(set("c", "1")) == ok());
}

TEST_CASE("past bytes_max nothing grows, and what shrinks makes room", "[store]") {
  store_host s({{"bytes_max", 10}});
  CHECK(DO(set("k", "123456789")) == ok());
  CHECK(DO(set("k", "1234567890")).status == POSTBUS_E_FULL);
  CHECK(DO(get("k")).values == values{"123456789"});
  CHECK(DO(hash_set("h", "f", "")).status == POSTBUS_E_FULL);
  CHECK(DO(check("h")) == ok(0));
  CHECK(
      s.call("health").text() ==
      R"({"keys":1,"bytes":10,"watches":0,"state":"degraded","reason":"the store is full: it holds 10 bytes",)"
      R"("remedy":"look for keys that nobody erases, or raise bytes_max"})");
  CHECK(DO(set("k", "1")) == ok());
  CHECK(DO(hash_set("h", "f", "")) == ok(1));
  CHECK(DO(set("huge", std::string(1000, 'x'))).status == POSTBUS_E_FULL);
}

TEST_CASE("every kind of value is counted by its bytes, and gives them back", "[store]") {
  store_host s;
  const auto bytes = [&] { return *s.metric_value("bytes"); };
  DO(set("k", "12"));
  CHECK(bytes() == 3);
  DO(push("l", "123"));
  CHECK(bytes() == 3 + 4);
  DO(hash_set("h", "f", "12"));
  DO(hash_set("h", "f", "1"));
  CHECK(bytes() == 7 + 3);
  DO(zset_put("z", "m", 1));
  DO(zset_put("z", "m", 2));
  CHECK(bytes() == 10 + 1 + 1 + 8);
  DO(window("w", 3, 10s));
  CHECK(bytes() == 20 + 1 + 16);
  DO(take("l").to("m"));
  CHECK(bytes() == 37);
  DO(take("m"));
  DO(hash_take("h", "f"));
  DO(zset_take("z", 0));
  DO(erase("w"));
  CHECK(bytes() == 3);
  DO(add("k", 100));
  CHECK(bytes() == 4);
  DO(erase("k"));
  CHECK(bytes() == 0);
  CHECK(s.metric_value("keys") == 0);
}

TEST_CASE("what has expired makes room at once", "[store]") {
  store_host s({{"keys_max", 100}});
  for (int i = 0; i < 100; ++i) DO(set("k" + std::to_string(i), "v").ttl(1s));
  s.clock().advance(1s);
  CHECK(s.all([](store_ops& o) {
    for (int i = 0; i < 100; ++i) o.set("n" + std::to_string(i), "v").in_group(1);
  }) == std::vector<op_result>(100, ok()));
}

TEST_CASE("an op that is none is refused with its call, and nothing is done", "[store]") {
  store_host s;
  const auto refusal = [&](const auto& fill) {
    store_ops ops;
    ops.set("done", "v");
    fill(ops);
    const postbus::testing::answer a = s.execute(std::move(ops));
    CHECK(a.status() == POSTBUS_E_INVALID);
    return a.message();
  };
  CHECK(refusal([](store_ops& o) { o.set("", "v"); }) ==
        "op 1 (SET): found no key; wanted one; correct it: nothing was done");
  CHECK(refusal([](store_ops& o) { o.hash_set("h", "", "v"); }) ==
        "op 1 (HASH_SET): found no field; wanted the name of one; correct it: nothing was done");
  CHECK(refusal([](store_ops& o) { o.zset_put("z", "", 1); }) ==
        "op 1 (ZSET_PUT): found no value; wanted the member; correct it: nothing was done");
  CHECK(refusal([](store_ops& o) { o.set("k", "v").front(); }) ==
        "op 1 (SET): found the flags 16, which mean nothing here; wanted none but 111; correct it: nothing "
        "was done");
  CHECK(refusal([](store_ops& o) {
          o.add("k", 1).if_at_least();
        }).starts_with("op 1 (ADD): found the flags 8"));
  CHECK(refusal([](store_ops& o) {
          o.scan("k", "", 1).if_present();
        }).starts_with("op 1 (SCAN): found the flags 2"));
  CHECK(refusal([](store_ops& o) { o.set("k", "v").ttl(-1ns); }) ==
        "op 1 (SET): found limit 0 and ttl_ns -1; wanted neither below 0; correct it: nothing was done");
  CHECK(refusal([](store_ops& o) { o.window("w", 1, 1s, 2); }) ==
        "op 1 (WINDOW): found number 2, limit 1 and ttl_ns 1000000000; wanted 1 <= number <= limit, and a "
        "ttl_ns; "
        "correct it: nothing was done");
  CHECK(DO(check("done")) == ok(0));
  postbus_op unknown{};
  unknown.kind = 99;
  unknown.key = postbus::sdk::str("k");
  const auto* table = s.interface<postbus_store>("postbus.store/1");
  std::string said;
  table->execute(s.self(), &unknown, 1,
                 {[](void* to, std::int32_t, const void*, const postbus_error* e) {
                    *static_cast<std::string*>(to) = e->message;
                  },
                  &said});
  CHECK(said == "op 0 (kind 99): found no such kind; wanted one of plugin.h; correct it: nothing was done");
}

TEST_CASE("an execute of no ops is answered", "[store]") {
  store_host s;
  CHECK(s.all([](store_ops&) {}).empty());
}

TEST_CASE("a store that answers later has done the ops, and answers from a task of the bus, in order",
          "[store]") {
  store_host s(settings{{"answers", "later"}});
  const auto* table = s.interface<postbus_store>("postbus.store/1");
  store_ops ops;
  ops.set("k", "v");
  ops.get("k");
  std::vector<std::string> got;
  const postbus_done done{
      [](void* to, std::int32_t, const void* result, const postbus_error*) {
        const auto& get = static_cast<const postbus_op_result*>(result)[1];
        static_cast<std::vector<std::string>*>(to)->emplace_back(postbus::sdk::view(get.values[0]));
      },
      &got};
  table->execute(s.self(), ops.all().data(), 2, done);
  store_ops again;
  again.set("k", "w");
  again.get("k");
  table->execute(s.self(), again.all().data(), 2, done);
  CHECK(got.empty());
  s.clock().run_until_idle();
  CHECK(got == std::vector<std::string>{"v", "w"});
}

TEST_CASE("buses that name the same instance share a store, others do not", "[store]") {
  postbus::testing::manual_clock clock;
  store_host one(clock, {{"instance", "shared"}});
  store_host two(clock, {{"instance", "shared"}});
  store_host other(clock, {{"instance", "other"}});
  store_host own(clock), own_too(clock);
  const auto set = [](store_ops& o) { o.set("k", "v"); };
  const auto check = [](store_ops& o) { o.check("k"); };
  one.one(set);
  own.one(set);
  CHECK(two.one(check) == ok(1));
  CHECK(other.one(check) == ok(0));
  CHECK(own_too.one(check) == ok(0));
  CHECK(two.metric_value("keys") == 1);
}
