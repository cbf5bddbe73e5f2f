// telling: how far the features were told how an item ended.
#pragma once

#include <postbus/plugin.h>

#include <string>

namespace postbus::detail {

// Telling how an item ended; may stop at a feature that holds it.
struct telling {
  std::int32_t outcome = POSTBUS_ACK;
  const postbus_subscriber* subscriber = nullptr;  // of a delivery
  std::uint32_t at = 0;                            // the next to be told
  bool is_refused = false;  // a feature rejected the ack: from then on the outcome is RELEASE
  std::string reason;
};

}  // namespace postbus::detail
