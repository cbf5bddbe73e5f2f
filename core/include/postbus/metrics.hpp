// metrics: counters, gauges and histograms of the bus and its plugins, as bus.metrics() gives them, and their text for Prometheus.
//
// Names follow Prometheus: postbus_ in front, base units (seconds, bytes) at the end, _total for counters. A plugin's metric
// "queued_bytes" is called postbus_<plugin id>_queued_bytes, dashes as underscores.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace postbus {

struct metric {
  enum class kind { counter, gauge, histogram };
  struct bucket {
    double upper_bound = 0;   // inclusive; the last one is infinity
    std::uint64_t count = 0;  // of values up to it, those of the buckets below included
  };

  std::string name, help;
  kind type = kind::counter;
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0;             // counter, gauge; the sum of a histogram's values
  std::vector<bucket> buckets;  // histogram only
};

// The text exposition format of Prometheus, version 0.0.4: metrics of one name stand together, below one HELP and one TYPE line.
std::string prometheus_text(std::span<const metric> metrics);

}  // namespace postbus
