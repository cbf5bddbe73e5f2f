// settlement_access: the answer that only the bus itself gives for a deferred delivery.
#pragma once

#include <postbus/delivery.hpp>

namespace postbus::detail {

struct settlement_access {
  // Back to the transport, for others, and not counted as an attempt. Nothing where it has its answer.
  static void give_back(settlement answer) noexcept;
};

}  // namespace postbus::detail
