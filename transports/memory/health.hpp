// health: what the memory transport answers when it is asked how it is.
#pragma once

#include "exchange.hpp"

namespace postbus::memory {

// {"subscriptions": …, "groups": …, "queued_events": …, "queued_bytes": …}; with a full queue also state, reason and remedy.
std::string health_json(const exchange::figures& now);

}  // namespace postbus::memory
