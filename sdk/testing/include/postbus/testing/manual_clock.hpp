// manual_clock: time and threads of a test. Nothing runs by itself: what a bus or a plugin posts is queued here, and runs on the
// calling thread inside run_until_idle() and advance(). Virtual time moves only by advance(). Several buses may share one clock.
//
//   postbus::testing::manual_clock clock;
//   postbus::bus bus(postbus::config().clock(clock));
//   bus.publish("a", "x");            // queued
//   clock.run_until_idle();           // handlers run
//   clock.advance(100ms);             // timers up to then run, in order, each at its own time
//
// Use it from one thread only.
#pragma once

#include <postbus/sdk/timer_queue.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <random>

namespace postbus::testing {

class manual_clock {
 public:
  explicit manual_clock(std::uint64_t seed = 1) : random_(seed) {}
  manual_clock(const manual_clock&) = delete;
  manual_clock& operator=(const manual_clock&) = delete;

  std::int64_t now_ns() const noexcept { return now_; }
  // Virtual wall time: starts at 2026-01-01T00:00:00Z.
  std::int64_t wall_ns() const noexcept { return wall_start + now_; }
  std::uint64_t random() noexcept { return random_(); }

  void post(void (*fn)(void*), void* ctx) { ready_.emplace_back(fn, ctx); }
  sdk::timer_queue::id timer(std::int64_t delay_ns, postbus_done done) {
    return timers_.add(delay_ns > 0 ? now_ + delay_ns : now_, done);
  }
  // The timer's done runs, with CANCELLED, inside this call.
  void cancel(sdk::timer_queue::id timer) {
    if (const auto done = timers_.cancel(timer)) answer(*done, POSTBUS_E_CANCELLED);
  }
  std::size_t pending_timers() const noexcept { return timers_.size(); }

  // Runs what is queued, what that queues, and timers due now, until nothing is left. Returns how many ran.
  std::size_t run_until_idle() {
    std::size_t ran = 0;
    for (bool more = true; more;) {
      more = false;
      if (!ready_.empty()) {
        const auto [fn, ctx] = ready_.front();
        ready_.pop_front();
        fn(ctx);
        more = true;
      } else if (const auto due = timers_.pop_due(now_)) {
        answer(*due, POSTBUS_OK);
        more = true;
      } else {
        for (auto& [owner, poll] : sources_)
          if (poll() > 0) more = true;
      }
      ran += more;
    }
    return ran;
  }

  // Moves time on by `duration`, running what falls due on the way at its own time.
  void advance(std::chrono::nanoseconds duration) {
    const std::int64_t end = now_ + duration.count();
    run_until_idle();
    while (timers_.next() <= end) {
      now_ = std::max(now_, timers_.next());
      run_until_idle();
    }
    now_ = end;
    run_until_idle();
  }

  // Another queue to drain when this one is empty (an io_context); poll() runs what is ready and says how many.
  void add_source(const void* owner, std::function<std::size_t()> poll) {
    sources_.emplace_back(owner, std::move(poll));
  }
  void remove_source(const void* owner) {
    std::erase_if(sources_, [&](const auto& source) { return source.first == owner; });
  }

 private:
  static constexpr std::int64_t wall_start = 1'767'225'600'000'000'000;
  static void answer(const postbus_done& done, std::int32_t status) {
    done.fn(done.ctx, status, nullptr, nullptr);
  }

  std::int64_t now_ = 0;
  sdk::timer_queue timers_;
  std::deque<std::pair<void (*)(void*), void*>> ready_;
  std::vector<std::pair<const void*, std::function<std::size_t()>>> sources_;
  std::mt19937_64 random_;
};

}  // namespace postbus::testing
