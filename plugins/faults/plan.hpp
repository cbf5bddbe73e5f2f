// plan: which faults strike how often, from the settings and from what `set` said since; and how often each of them did.
#pragma once

#include "dice.hpp"

#include <postbus/sdk/context.hpp>

#include <array>
#include <span>
#include <string>
#include <string_view>

namespace postbus::faults {

enum class fault : unsigned { drop, duplicate, reorder, delay, disconnect, stall, fail, unknown };
inline constexpr std::array<std::string_view, 8> fault_names{"drop",       "duplicate", "reorder", "delay",
                                                             "disconnect", "stall",     "fail",    "unknown"};

class plan {
 public:
  // `kinds`: those that the plugin has settings for.
  plan(const sdk::context& ctx, std::span<const fault> kinds);

  // Draws, and counts when it says yes. Any thread.
  bool strikes(fault f) noexcept;
  bool may_strike(fault f) const noexcept { return of(f).chance.load(std::memory_order_relaxed) > 0; }
  // How long a delay or a stall lasts, drawn; a disconnect lasts as long as it is set to.
  std::chrono::nanoseconds length(fault f) noexcept;
  std::chrono::nanoseconds longest(fault f) const noexcept { return std::chrono::nanoseconds(of(f).most_ns); }

  // {"drop": 0.1, "delay_max": "50ms", "seed": 7}: what is not named stays. All or nothing; throws failure{POSTBUS_E_INVALID}.
  void set(std::string_view json);
  // {"drop": 3, …}: how often each fault struck.
  std::string stats(bool connected) const;

 private:
  struct entry {
    bool is_known = false;
    std::atomic<double> chance{0};
    std::atomic<std::int64_t> most_ns{0};  // of those that last
    std::atomic<std::uint64_t> struck{0};
  };
  entry& of(fault f) noexcept { return entries_[static_cast<unsigned>(f)]; }
  const entry& of(fault f) const noexcept { return entries_[static_cast<unsigned>(f)]; }
  std::string names_of_settings() const;

  std::array<entry, fault_names.size()> entries_;
  dice dice_;
};

}  // namespace postbus::faults
