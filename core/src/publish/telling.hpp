// telling: how an item ended, and how far the features were told.
#pragma once

#include "passage_marks.hpp"

#include <postbus/plugin.h>

#include <string>

namespace postbus::detail {

struct telling {
  const postbus_event* event = nullptr;
  passage_marks* marks = nullptr;
  std::uint32_t attempt = 0;
  std::int32_t outcome = POSTBUS_ACK;
  const postbus_subscriber* subscriber = nullptr;  // of a delivery
  std::uint32_t at = 0;                            // the next to be told, or the one that holds it
  bool is_held = false;
  bool is_refused = false;  // a feature rejected the ack: from then on the outcome is RELEASE
  std::string reason;
};

}  // namespace postbus::detail
