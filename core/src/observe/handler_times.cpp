#include "handler_times.hpp"

#include "engine/engine.hpp"

#include <algorithm>

namespace postbus::detail {

void stopwatch::start(subscription_state& s, sampling what, const postbus_event* event) noexcept {
  try {
    times_ = &s.times();
  } catch (const std::bad_alloc&) {
    return;
  }
  rt_ = s.owner.rt.get();
  published_ns_ = what == sampling::all ? event->time_ns : 0;
  begun_ns_ = rt_->now_ns();
}

void stopwatch::finish() noexcept {
  handler_times& times = *std::exchange(times_, nullptr);
  times.handler.observe(rt_->now_ns() - begun_ns_);
  // Clocks of two machines may differ by more than the event took.
  if (published_ns_ != 0)
    times.end_to_end.observe(std::max<std::int64_t>(0, rt_->precise_wall_ns() - published_ns_));
}

}  // namespace postbus::detail
