// router: over which transport a topic goes, and which transports a pattern can hear.
#pragma once

#include "config/settings.hpp"

#include <string_view>
#include <vector>

namespace postbus::detail {

class router {
 public:
  router() = default;
  explicit router(std::vector<route_settings> routes) : routes_(std::move(routes)) {}

  // The index of the transport: of the first route that matches, else 0.
  std::size_t route(std::string_view topic) const noexcept;

  // The transports to which topics of the pattern may be routed, each once, in ascending order. It may name one to which none is, when
  // several routes together take all that the pattern matches; never one too few.
  std::vector<std::size_t> reach(std::string_view pattern) const;

 private:
  std::vector<route_settings> routes_;
};

// Whether some topic matches both patterns.
bool patterns_meet(std::string_view a, std::string_view b) noexcept;

// Whether every topic that matches `inner` matches `outer`.
bool pattern_covers(std::string_view outer, std::string_view inner) noexcept;

}  // namespace postbus::detail
