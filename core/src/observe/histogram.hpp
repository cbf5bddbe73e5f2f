// histogram: how values spread, counted by any thread without a lock. Bounds go 1, 2, 5, 10 … over eight decades: for times, given in
// ns, from 1 µs to 50 s; for anything else from 1 to 50,000,000.
#pragma once

#include <postbus/metrics.hpp>

#include <array>
#include <atomic>
#include <limits>

namespace postbus::detail {

class histogram {
 public:
  static constexpr std::size_t bounds = 24;
  static constexpr std::int64_t first_of_times = 1'000;

  explicit histogram(std::int64_t first = first_of_times) noexcept : first_(first) {}

  void observe(std::int64_t value) noexcept {
    std::size_t i = 0;
    for (std::int64_t bound = first_; i < bounds && value > bound; ++i) bound = next(bound, i);
    counts_[i].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
  }

  // Of the same bounds.
  void add(const histogram& more) noexcept {
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i].fetch_add(more.counts_[i].load());
    sum_.fetch_add(more.sum_.load());
  }

  // Fills value and buckets; `unit`: how many of the values make one of the unit that is shown. (Dividing gives 1e-06; a product with 1e-9
  // gives 1.0000000000000002e-06.)
  void read(metric& into, double unit) const {
    std::uint64_t count = 0;
    std::int64_t bound = first_;
    for (std::size_t i = 0; i < bounds; bound = next(bound, i++))
      into.buckets.push_back({static_cast<double>(bound) / unit, count += counts_[i].load()});
    into.buckets.push_back({std::numeric_limits<double>::infinity(), count + counts_[bounds].load()});
    into.value = static_cast<double>(sum_.load()) / unit;
  }

 private:
  // The bound behind the one with number i.
  static constexpr std::int64_t next(std::int64_t bound, std::size_t i) noexcept {
    return i % 3 == 1 ? bound / 2 * 5 : bound * 2;
  }

  const std::int64_t first_;
  std::array<std::atomic<std::uint64_t>, bounds + 1> counts_{};
  std::atomic<std::int64_t> sum_{0};
};

}  // namespace postbus::detail
