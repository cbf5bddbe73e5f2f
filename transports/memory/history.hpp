// history: the last events of an exchange, with their positions, for those who begin in the past. Who uses it holds the exchange's
// order: events get their positions in the order in which they are queued.
#pragma once

#include "queue.hpp"

#include <deque>

namespace postbus::memory {

class history {
 public:
  explicit history(limits most) : most_(most) {}
  history(const history&) = delete;
  history& operator=(const history&) = delete;

  // Remembers the event, and forgets the oldest beyond the limits. Its position: 1, 2, 3 … Throws bad_alloc.
  std::uint64_t add(const postbus_event& event, sdk::context& ctx);
  void clear(sdk::context& ctx) noexcept;

  // Where a subscription begins: the first of what is remembered that it wants. `missed`: how many it wanted that are forgotten.
  struct start {
    std::size_t first = 0;
    std::uint64_t missed = 0;
  };
  // Throws failure for a position that is none.
  start find(const postbus_sub& request) const;

  // f(event, position) for what is remembered from `first` on.
  template <class F>
  void for_each_from(std::size_t first, F f) const {
    for (std::size_t i = first; i < past_.size(); ++i) f(*past_[i], forgotten_ + i + 1);
  }
  std::size_t size() const noexcept { return past_.size(); }

 private:
  const limits most_;
  std::deque<const postbus_event*> past_;
  std::uint64_t forgotten_ = 0;  // events before those
  std::size_t bytes_ = 0;
};

}  // namespace postbus::memory
