// admin_counts: what the admin socket has seen, for the metrics and the log.
#pragma once

#include <atomic>
#include <cstdint>

namespace postbus::detail {

struct admin_counts {
  using counter = std::atomic<std::uint64_t>;
  counter clients{0};           // connected now; a gauge, as the next
  counter subscriptions{0};     // theirs, tails included
  counter clients_total{0};     // that were let in
  counter turned_away{0};       // one more than clients_max
  counter strangers{0};         // of another user
  counter requests{0};          // lines that could be read
  counter refused_lines{0};     // no JSON, no request, too long, or not ended in time
  counter discarded_events{0};  // copies that a tail had no room for
};

}  // namespace postbus::detail
