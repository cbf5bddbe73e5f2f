// P13: what an idle bus, a subscription, a queued event and a pending timer take, by what malloc gave out and by resident pages.
#include "footprint.hpp"
#include "harness.hpp"

namespace postbus::bench {
namespace {

// Neither just above nor just below a power of two, where an array that doubles is nearly empty or nearly full.
constexpr std::size_t many = 700'000;

// Two rows, heap and resident, of one of n.
void add(std::vector<row>& rows, const std::string& id, const std::string& what, const growth& all,
         std::size_t n, double target) {
  const auto each = [&](double bytes) { return bytes / static_cast<double>(n); };
  rows.push_back({id, what + ", heap", "B", each(all.heap), "", {}, wanted::value_at_most, target});
  rows.push_back(
      {id + ".rss", what + ", resident", "B", each(all.rss), "", {}, wanted::value_at_most, target});
}

}  // namespace

std::vector<row> p13_memory(const settings& how) {
  constexpr double mib = 1 << 20;
  const std::size_t n = how.scaled(many), subscriptions = how.scaled(20'000);
  std::vector<row> rows;
  const growth idle = grow_in_child("idle", 1);
  rows.push_back(
      {"P13.idle", "an idle bus, resident", "MiB", idle.rss / mib, "", {}, wanted::value_at_most, 8});
  add(rows, "P13.subscription", "a subscription", grow_in_child("subscribed", subscriptions), subscriptions,
      1024);
  add(rows, "P13.queued", "a queued event of 64 B", grow_in_child("queued", n), n, 256);
  add(rows, "P13.group", "the same in a group", grow_in_child("group", n), n, 256);
  add(rows, "P13.timer", "a pending timer", grow_in_child("timers", n), n, 128);
  add(rows, "P13.delayed", "a delayed event of 64 B with its timer", grow_in_child("delayed", n), n,
      256 + 128);
  return rows;
}

}  // namespace postbus::bench
