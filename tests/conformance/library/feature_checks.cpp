// A feature without a bus.
#include "driver.hpp"
#include "tables.hpp"

#include <thread>

namespace postbus::conformance {
namespace {

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

// It writes to none, and looks at none when its call has returned.
void feature_lent(const library_under_test& l, findings& f) {
  for_each_feature(l, [&](const plugin_info& p) {
    driver d(l, p, f);
    d.lend_in_pages(true);
    d.start_up();
    for (int i = 0; i < 10; ++i) show(d, 10);
    d.shut_down();
  });
}

constexpr library_check table[] = {
    {"feature-batches", "a feature answers batches of none, of one and of a thousand", feature_batches},
    {"feature-threads", "a feature is asked from eight threads at once", feature_threads},
    {"feature-memory", "a feature answers also when there is no memory for an event", feature_memory},
    {"feature-lent", "a feature looks at an event while it is lent, and changes nothing of it", feature_lent},
};

}  // namespace

std::span<const library_check> feature_checks() { return table; }

}  // namespace postbus::conformance
