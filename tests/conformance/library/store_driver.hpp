// store_driver: a store of the library on the fake host, asked one thing at a time.
#pragma once

#include "driver.hpp"

#include <postbus/sdk/store_ops.hpp>

#include <functional>
#include <string>
#include <vector>

namespace postbus::conformance {

inline constexpr std::chrono::nanoseconds lease = std::chrono::milliseconds(200);

class store_driver : public driver {
 public:
  store_driver(const library_under_test& library, const plugin_info& plugin, findings& to);
  ~store_driver();

  // A key of this check alone: the store may be shared, and may remember.
  std::string key(std::string_view name) const { return prefix_ + std::string(name); }

  using fill = std::function<void(sdk::store_ops&)>;
  // What each op gave. A call that fails ends the check.
  std::vector<testing::op_result> all(const fill& f);
  testing::op_result one(const fill& f) { return all(f).at(0); }
  // Expects of the ops that each gives what is wanted; `sentence` says why.
  void expect(const std::vector<testing::op_result>& wanted, const fill& f, std::string_view sentence);
  // Until so much of the store's time has gone by, and a little more where the clock is its own.
  void let_pass(std::chrono::nanoseconds time);
  void found(bool holds, std::string_view sentence) { to_.expect(holds, text(sentence)); }

 private:
  std::string text(std::string_view sentence) const;

  const std::string id_, prefix_;
  findings& to_;
};

// What an op gives.
testing::op_result ok(std::int64_t number = 0, std::vector<std::string> values = {});
testing::op_result conflict(std::vector<std::string> values = {});
testing::op_result cancelled();

void for_each_store(const library_under_test& library, findings& f,
                    const std::function<void(store_driver&)>& check);

}  // namespace postbus::conformance
