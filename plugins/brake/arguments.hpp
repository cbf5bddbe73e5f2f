// arguments: what a method is called with, checked.
#pragma once

#include "scope.hpp"

#include <cstdint>
#include <optional>

namespace postbus::brake_plugin {

struct arguments {
  scope of;
  std::string actor;
  std::string heard;                  // the event that calls: its source and id
  std::optional<std::int64_t> epoch;  // that the scope must be in

  // {"key": "42"}, {"pattern": "jobs:**"} or {"all": true}, with "actor" and "epoch"; or an event whose one capture is the key. Throws
  // failure{E_INVALID}.
  static arguments parse(std::string_view json);
};

}  // namespace postbus::brake_plugin
