// health: how the bus and each of its parts are. bus.health() asks; the admin socket and `postbus health` show the same.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postbus {

enum class health_state {
  healthy,
  degraded,   // works, with less than was asked for
  unhealthy,  // does not work now; expected to heal by itself
  error       // does not work, and will not heal without a person
};

// "healthy" …
std::string_view to_string(health_state state) noexcept;

// One part: the bus itself ("bus"), a transport ("transport.default"), a feature ("feature.dedup"), the store ("store"), the admin
// socket ("admin").
struct component_health {
  std::string name, plugin;  // plugin: its id; empty for a part of the bus itself
  bool required = true;      // the bus is not ready while this part is unhealthy or in error
  health_state state = health_state::healthy;
  std::string reason, remedy;                     // why it is so, and what to do; empty while healthy
  std::chrono::system_clock::time_point since{};  // of the state
  // Of a plugin with the method "health", which looks for itself (a write and a read, where it has a server): how long that took,
  // and what it said, a JSON object; empty where there is no such method.
  std::optional<std::chrono::nanoseconds> latency{};
  std::string facts;
};

struct health {
  health_state state =
      health_state::healthy;  // the worst of the required parts; an optional part makes it degraded at most
  bool live =
      true;  // the loops turn: a timer fires, and a worker takes work or is at work. Never looks at a server
  bool ready = true;  // running, and every required part is healthy or degraded
  std::vector<component_health> components;
};

// For display: excellent < 1 ms, good < 5 ms, acceptable < 20 ms, poor < 100 ms, critical.
std::string_view latency_class(std::chrono::nanoseconds latency) noexcept;

}  // namespace postbus
