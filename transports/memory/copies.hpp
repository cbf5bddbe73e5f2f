// copies: the events of a publish, kept before it takes the lock of a queue.
#pragma once

#include <postbus/sdk/transport.hpp>

#include <array>
#include <cstddef>
#include <new>

namespace postbus::memory {

// One more reference, or a copy. Throws bad_alloc.
inline const postbus_event* keep(const postbus_event& event, sdk::context& ctx) {
  sdk::kept_event kept = ctx.keep(event);
  if (!kept) throw std::bad_alloc();
  return kept.release();
}

// Events that are kept, until somebody takes them in their order.
class copies {
 public:
  static constexpr std::size_t most = 64;  // that a queue takes and hands out at once

  explicit copies(sdk::context& ctx) noexcept : ctx_(ctx) {}
  copies(const copies&) = delete;
  copies& operator=(const copies&) = delete;
  ~copies() {
    while (taken_ < size_) ctx_.release(take());
  }
  bool empty() const noexcept { return size_ == 0; }
  void add(const postbus_event& event) { events_[size_++] = keep(event, ctx_); }
  const postbus_event* take() noexcept { return events_[taken_++]; }

 private:
  sdk::context& ctx_;
  std::array<const postbus_event*, most> events_;
  std::size_t size_ = 0, taken_ = 0;
};

}  // namespace postbus::memory
