// memory-store in a fake host, and its answers in a line each.
#pragma once

#include "support/catch.hpp"

#include <postbus/testing/fake_host.hpp>

#include <postbus/sdk/store_ops.hpp>

namespace postbus::tests {

using namespace std::chrono_literals;
using testing::op_result;
using testing::settings;
using values = std::vector<std::string>;

inline const postbus_module& memory_module() {
  return testing::load_module(POSTBUS_TEST_PLUGIN_DIR "/memory.so");
}

class store_host : public testing::fake_host {
 public:
  explicit store_host(testing::settings given = {}) { go(std::move(given)); }
  store_host(testing::manual_clock& shared, testing::settings given = {}) : fake_host(shared) {
    go(std::move(given));
  }
  ~store_host() { finish(); }

  // What each of the ops that fill() adds gave.
  template <class Fill>
  std::vector<op_result> all(Fill fill) {
    sdk::store_ops ops;
    fill(ops);
    const testing::answer a = execute(std::move(ops));
    REQUIRE(a);
    return a.results();
  }
  template <class Fill>
  op_result one(Fill fill) {
    return all(fill).at(0);
  }

 private:
  void go(testing::settings given) {
    testing::settings all_of{
        {"instance", ""}, {"keys_max", 1'000'000}, {"bytes_max", 268'435'456}, {"answers", "at-once"}};
    for (auto& [name, value] : given) all_of[name] = value;
    REQUIRE(create(memory_module(), "memory-store", all_of));
    REQUIRE(start());
  }
};

inline op_result ok(std::int64_t number = 0, values all = {}) { return {POSTBUS_OK, number, std::move(all)}; }
inline op_result conflict(values all = {}) { return {POSTBUS_E_CONFLICT, 0, std::move(all)}; }
inline op_result full(std::int64_t number = 0) { return {POSTBUS_E_FULL, number, {}}; }
inline op_result cancelled() { return {POSTBUS_E_CANCELLED, 0, {}}; }
inline op_result invalid(std::string message) { return {POSTBUS_E_INVALID, 0, {std::move(message)}}; }

// One op on the store `s`: DO(set("k", "v").if_absent()).
#define DO(...) s.one([&](::postbus::sdk::store_ops& ops) { ops.__VA_ARGS__; })

}  // namespace postbus::tests
