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

// Those of this tree.
inline constexpr std::string_view features[] = {"dedup", "steering", "brake"};

// A bus on the named transport, with the plugins of this build; "hub+json": over the codec cloudevents+json; "memory+faults": wrapped by
// faults, none of which strikes; "memory+dedup": with the feature of that name.
inline config config_for(std::string_view transport) {
  for (const std::string_view feature : features)
    if (const auto plain = transport.find("+" + std::string(feature)); plain != transport.npos)
      return config_for(transport.substr(0, plain)).feature(feature);
  if (const auto plain = transport.find("+faults"); plain != transport.npos)
    return config_for(transport.substr(0, plain)).set("transport.wrappers", "[\"faults\"]");
  const bool json = transport.ends_with("+json");
  if (json) transport.remove_suffix(std::string_view("+json").size());
  config c = config().transport(transport).plugin_path(POSTBUS_TEST_PLUGIN_DIR).set("log.level", "off");
  return json ? c.set("transport.codec", "cloudevents+json") : c;
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
  std::uint64_t all = 0;
  for (const auto& [name, outcome] : delivery_outcomes) all += c.*outcome;
  return all;
}

}  // namespace postbus::tests
