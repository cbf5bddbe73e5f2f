// A feature without a bus.
#include "driver.hpp"
#include "tables.hpp"

#include <algorithm>
#include <thread>

namespace postbus::conformance {
namespace {

void for_each_feature(const library_under_test& l, const std::function<void(const plugin_info&)>& f) {
  bool any = false;
  for_each_plugin(l, [&](const plugin_info& p) {
    if (std::find(p.provides.begin(), p.provides.end(), "postbus.interceptor/1") == p.provides.end()) return;
    any = true;
    f(p);
  });
  if (!any) throw check_skipped{"the library has no feature"};
}

std::vector<testing::event> events(std::size_t n) {
  std::vector<testing::event> all(n);
  for (std::size_t i = 0; i < n; ++i) all[i] = {.topic = "conformance:check", .data = std::to_string(i)};
  return all;
}

// Shows it events at each stage that it looks at.
void show(driver& d, std::size_t n) {
  const auto batch = events(n);
  for (const std::uint32_t stage : {POSTBUS_AT_PUBLISH, POSTBUS_AT_DELIVER}) {
    try {
      d.run(stage, std::span(batch));
    } catch (const std::logic_error&) {  // not one of its stages
    }
  }
}

void feature_batches(const library_under_test& l, findings& f) {
  for_each_feature(l, [&](const plugin_info& p) {
    driver d(l, p, f);
    d.start_up();
    for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{1000}}) show(d, n);
    d.shut_down();
  });
}

void feature_threads(const library_under_test& l, findings& f) {
  for_each_feature(l, [&](const plugin_info& p) {
    driver d(l, p, f);
    d.start_up();
    {
      std::vector<std::jthread> all;
      for (int t = 0; t < 8; ++t)
        all.emplace_back([&] {
          for (int i = 0; i < 100; ++i) show(d, 10);
        });
    }
    d.shut_down();
  });
}

// It has to answer with a verdict that there is, which the fake host looks at.
void feature_memory(const library_under_test& l, findings& f) {
  for_each_feature(l, [&](const plugin_info& p) {
    driver d(l, p, f);
    d.start_up();
    d.out_of_memory(true);
    show(d, 10);
    d.out_of_memory(false);
    d.shut_down();
  });
}

constexpr library_check table[] = {
    {"feature-batches", "a feature answers batches of none, of one and of a thousand", feature_batches},
    {"feature-threads", "a feature is asked from eight threads at once", feature_threads},
    {"feature-memory", "a feature answers also when there is no memory for an event", feature_memory},
};

}  // namespace

std::span<const library_check> feature_checks() { return table; }

}  // namespace postbus::conformance
