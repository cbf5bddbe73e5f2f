// metric_registry: the metrics that plugins define, and what they add to them. bus_metrics.cpp has the bus's own.
#pragma once

#include "histogram.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace postbus::detail {

class metric_registry {
 public:
  static constexpr std::uint32_t metrics_max = 1024;

  struct definition {
    std::uint32_t number = 0;  // to add to it; 0: refused
    std::string refusal;       // and why, as a sentence
  };
  // `transport`: the name of the instance, where one plugin has several; else empty.
  definition define(std::string_view plugin, std::string_view transport, std::int32_t kind,
                    std::string_view name, std::string_view help);
  // To a counter or gauge; of a histogram: one more value. No lock. 0 is no metric, and a counter never goes down.
  void add(std::uint32_t number, std::int64_t value) noexcept;
  // In the order they were defined.
  std::vector<metric> read() const;

 private:
  struct cell {
    metric what;  // name, help, kind and labels
    double unit = 1;
    std::atomic<std::int64_t> value{0};
    std::unique_ptr<histogram> values;
  };

  mutable std::mutex mutex_;
  std::deque<cell> cells_;
  std::array<std::atomic<cell*>, metrics_max> by_number_{};  // cells_, for add()
};

}  // namespace postbus::detail
