// timer_queue: pending timers in the order they are due; those due at one moment in the order they were added. It has no clock and
// no thread: who owns it says what time it is. Not thread-safe. add and cancel cost O(log n); 48 bytes a timer.
#pragma once

#include <postbus/plugin.h>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace postbus::sdk {

class timer_queue {
 public:
  using id = std::uint64_t;  // never 0

  // `deadline` in ns of the owner's clock.
  id add(std::int64_t deadline, postbus_done done) { return add(deadline, done, ++added_); }
  // Among those due at one moment the one with the lower rank comes first: for an owner that wants another order than they were added in.
  id add(std::int64_t deadline, postbus_done done, std::uint64_t rank) {
    std::uint32_t slot;
    if (free_.empty()) {
      slot = static_cast<std::uint32_t>(slots_.size());
      slots_.emplace_back();
    } else {
      slot = free_.back();
      free_.pop_back();
    }
    slots_[slot].deadline = deadline;
    slots_[slot].order = rank;
    slots_[slot].done = done;
    heap_.push_back(slot);
    sift_up(heap_.size() - 1);
    return id{slots_[slot].generation} << 32 | slot;
  }

  // The timer's done, which will not come from pop_due any more; nothing when it already came.
  std::optional<postbus_done> cancel(id timer) {
    const auto slot = static_cast<std::uint32_t>(timer);
    if (slot >= slots_.size() || slots_[slot].generation != timer >> 32) return std::nullopt;
    return remove(slots_[slot].position);
  }

  // The next timer that is due at `now`.
  std::optional<postbus_done> pop_due(std::int64_t now) {
    if (heap_.empty() || next() > now) return std::nullopt;
    return remove(0);
  }
  // Any timer, for who clears the queue.
  std::optional<postbus_done> pop() { return pop_due(INT64_MAX); }

  // When the first is due; INT64_MAX when there is none.
  std::int64_t next() const noexcept { return heap_.empty() ? INT64_MAX : slots_[heap_[0]].deadline; }
  // Which it is; 0 when there is none.
  id next_id() const noexcept { return heap_.empty() ? 0 : id{slots_[heap_[0]].generation} << 32 | heap_[0]; }
  std::size_t size() const noexcept { return heap_.size(); }

 private:
  struct entry {
    std::int64_t deadline = 0;
    std::uint64_t order = 0;
    postbus_done done{};
    std::size_t position = 0;      // in heap_
    std::uint32_t generation = 1;  // tells a reused slot's id from the old one
  };

  bool before(std::uint32_t a, std::uint32_t b) const noexcept {
    return std::pair(slots_[a].deadline, slots_[a].order) < std::pair(slots_[b].deadline, slots_[b].order);
  }
  void place(std::size_t position, std::uint32_t slot) noexcept {
    heap_[position] = slot;
    slots_[slot].position = position;
  }
  void sift_up(std::size_t at) noexcept {
    const std::uint32_t slot = heap_[at];
    for (; at > 0 && before(slot, heap_[(at - 1) / 2]); at = (at - 1) / 2) place(at, heap_[(at - 1) / 2]);
    place(at, slot);
  }
  void sift_down(std::size_t at) noexcept {
    const std::uint32_t slot = heap_[at];
    for (std::size_t child; (child = 2 * at + 1) < heap_.size(); at = child) {
      if (child + 1 < heap_.size() && before(heap_[child + 1], heap_[child])) ++child;
      if (!before(heap_[child], slot)) break;
      place(at, heap_[child]);
    }
    place(at, slot);
  }
  postbus_done remove(std::size_t position) {
    const std::uint32_t slot = heap_[position], last = heap_.back();
    heap_.pop_back();
    if (slot != last) {
      place(position, last);
      sift_up(position);
      sift_down(slots_[last].position);
    }
    ++slots_[slot].generation;
    free_.push_back(slot);
    return slots_[slot].done;
  }

  std::vector<entry> slots_;
  std::vector<std::uint32_t> free_, heap_;
  std::uint64_t added_ = 0;
};

}  // namespace postbus::sdk
