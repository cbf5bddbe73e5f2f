// Buses with dedup that share one transport and one store, on the virtual clock.
#pragma once

#include "support/bus.hpp"
#include "support/catch.hpp"

#include <postbus/testing/manual_clock.hpp>

#include <boost/json.hpp>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace postbus::tests {

using settings = std::vector<std::pair<std::string, std::string>>;

struct dedup_buses {
  dedup_buses() : dedup_buses(1) {}
  explicit dedup_buses(std::uint64_t seed) : clock(seed) {
    static int instances = 0;
    instance = "dedup-" + std::to_string(++instances);
  }

  // `own`: settings by their whole names.
  config configured(const settings& own = {}) {
    config c = config_for("memory+dedup")
                   .set("transport.instance", instance)
                   .set("store.plugin", "memory-store")
                   .set("store.instance", instance);
    for (const auto& [name, value] : own) c.set(name, value);
    return c.clock(clock);
  }
  bus& open(const settings& own = {}) { return *buses.emplace_back(std::make_unique<bus>(configured(own))); }
  void publish(bus& b, std::string_view id, std::string_view data = "x", std::string_view topic = "job") {
    publish_options options;
    options.id = id;
    b.publish(topic, data, options);
  }
  static std::int64_t stat(bus& b, std::string_view name) {
    return boost::json::parse(b.call("dedup.stats")).at(name).as_int64();
  }

  testing::manual_clock clock;
  std::string instance;
  std::vector<std::unique_ptr<bus>> buses;
};

// A store that fails when it is told to.
inline const settings faulty_store{{"store.wrappers", "[\"faults-store\"]"}};

inline subscribe_options workers() {
  subscribe_options o;
  o.group = "workers";
  o.backoff = {.first = 0s};
  return o;
}

}  // namespace postbus::tests
