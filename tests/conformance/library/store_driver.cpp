#include "store_driver.hpp"

#include <unistd.h>

#include <sstream>
#include <thread>

namespace postbus::conformance {

using testing::op_result;

op_result ok(std::int64_t number, std::vector<std::string> values) {
  return {POSTBUS_OK, number, std::move(values)};
}
op_result conflict(std::vector<std::string> values) { return {POSTBUS_E_CONFLICT, 0, std::move(values)}; }
op_result cancelled() { return {POSTBUS_E_CANCELLED, 0, {}}; }

store_driver::store_driver(const library_under_test& library, const plugin_info& plugin, findings& to)
    : driver(library, plugin, to),
      id_(plugin.id),
      prefix_("conformance:" + std::to_string(::getpid()) + ":"),
      to_(to) {}

// What a check leaves is erased, for a store that outlives it.
store_driver::~store_driver() {
  try {
    std::string cursor;
    for (int page = 0; page < 1000; ++page) {
      const op_result found = one([&](auto& o) { o.scan(prefix_, cursor, 1000); });
      if (found.values.size() > 1)
        all([&](auto& o) {
          for (std::size_t i = 1; i < found.values.size(); ++i) o.erase(found.values[i]);
        });
      if (found.values.empty() || found.values[0].empty()) break;
      cursor = found.values[0];
    }
  } catch (const std::exception&) {  // it is stopped, or said already that it cannot
  }
}

std::vector<op_result> store_driver::all(const fill& f) {
  sdk::store_ops ops;
  f(ops);
  const testing::answer a = execute(std::move(ops));
  if (!expect_ok(a, "execute")) throw std::runtime_error("the check ended there");
  return a.results();
}

std::string store_driver::text(std::string_view sentence) const {
  return "expected of '" + id_ + "' that " + std::string(sentence);
}

void store_driver::expect(const std::vector<op_result>& wanted, const fill& f, std::string_view sentence) {
  const auto seen = all(f);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (i < seen.size() && seen[i] == wanted[i]) continue;
    std::ostringstream both;
    both << text(sentence) << ": op " << i << " gives " << wanted[i] << "; saw ";
    if (i < seen.size()) both << seen[i];
    else both << "nothing";
    to_.add(both.str());
  }
}

void store_driver::let_pass(std::chrono::nanoseconds time) {
  if ((flags() & POSTBUS_CAN_VIRTUAL_TIME) != 0) return clock().advance(time);
  const auto end = std::chrono::steady_clock::now() + time + std::chrono::milliseconds(5);
  while (std::chrono::steady_clock::now() < end) std::this_thread::yield();
}

void for_each_store(const library_under_test& library, findings& f,
                    const std::function<void(store_driver&)>& check) {
  for_each_plugin_with("postbus.store/1", "store", library, [&](const plugin_info& p) {
    store_driver d(library, p, f);
    d.start_up();
    check(d);
  });
}

}  // namespace postbus::conformance
