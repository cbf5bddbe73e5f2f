// What tests of a whole bus share: a config for each transport, and waiting for a condition.
#pragma once

#include <postbus/bus.hpp>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

namespace postbus::tests {

using namespace std::chrono_literals;

inline const std::chrono::seconds deadline{30};

// A bus on the named transport, with the plugins of this build.
inline config config_for(std::string_view transport) {
  return config().transport(transport).plugin_path(POSTBUS_TEST_PLUGIN_DIR).set("log.level", "off");
}

// True as soon as `condition` holds; false if it does not within the deadline.
template <class Condition>
bool eventually(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

inline std::uint64_t sum(const delivery_counts& c) {
  return c.acked + c.dropped + c.dead + c.given_back + c.abandoned;
}

}  // namespace postbus::tests
