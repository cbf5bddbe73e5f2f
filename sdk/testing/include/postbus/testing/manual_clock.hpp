// manual_clock: time and threads of a test. Nothing runs by itself: what a bus or a plugin posts is queued here, and runs on the
// calling thread inside run_until_idle() and advance(). Virtual time moves only by advance(). Several buses may share one clock.
//
//   postbus::testing::manual_clock clock;
//   postbus::bus bus(postbus::config().clock(clock));
//   bus.publish("a", "x");            // queued
//   clock.run_until_idle();           // handlers run
//   clock.advance(100ms);             // timers up to then run, in order, each at its own time
//
// What is queued runs in the order in which it was. On threads it need not, and a test that holds for one order may hold for that one
// only: clock.explore() draws by the clock's seed what runs next, so that each seed is another interleaving, and always the same one.
//
//   postbus::testing::manual_clock clock(seed);
//   clock.explore();
//
// Use it from one thread only.
#pragma once

#include <postbus/sdk/timer_queue.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <random>
#include <utility>
#include <vector>

namespace postbus::testing {

class manual_clock {
 public:
  explicit manual_clock(std::uint64_t seed = 1) : random_(seed), choices_(~seed) {}
  manual_clock(const manual_clock&) = delete;
  manual_clock& operator=(const manual_clock&) = delete;

  std::int64_t now_ns() const noexcept { return now_; }
  // Virtual wall time: starts at 2026-01-01T00:00:00Z.
  std::int64_t wall_ns() const noexcept { return wall_start + now_; }
  std::uint64_t random() noexcept { return random_(); }

  // From now on each step is drawn from all that could be next: what is queued, the timers due at this moment, and the other queues.
  // Timers that are due at one moment run in an order drawn for those that are set from now on.
  void explore() noexcept { explores_ = true; }
  bool explores() const noexcept { return explores_; }
  // Of what ran so far, in its order: two runs of one program with different hashes took different schedules.
  std::uint64_t schedule_hash() const noexcept { return hash_; }

  void post(void (*fn)(void*), void* ctx) { ready_.push_back({fn, ctx, ++posted_}); }
  sdk::timer_queue::id timer(std::int64_t delay_ns, postbus_done done) {
    const std::int64_t due = delay_ns > 0 ? now_ + delay_ns : now_;
    return explores_ ? timers_.add(due, done, choices_()) : timers_.add(due, done);
  }
  // The timer's done runs, with CANCELLED, inside this call.
  void cancel(sdk::timer_queue::id timer) {
    if (const auto done = timers_.cancel(timer)) answer(*done, POSTBUS_E_CANCELLED);
  }
  std::size_t pending_timers() const noexcept { return timers_.size(); }

  // Runs what is queued, what that queues, and timers due now, until nothing is left. Returns how many ran.
  std::size_t run_until_idle() {
    std::size_t ran = 0;
    while (explores_ ? explore_a_step() : step()) ++ran;
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

  // Another queue to drain when this one is empty (an io_context); poll() runs what is ready and says how many. poll_one() runs one of
  // them at most: an exploring clock may then run something else in between.
  void add_source(const void* owner, std::function<std::size_t()> poll,
                  std::function<std::size_t()> poll_one = {}) {
    if (!poll_one) poll_one = poll;
    sources_.push_back({owner, std::move(poll), std::move(poll_one)});
  }
  void remove_source(const void* owner) {
    std::erase_if(sources_, [&](const source& s) { return s.owner == owner; });
  }

 private:
  static constexpr std::int64_t wall_start = 1'767'225'600'000'000'000;
  static void answer(const postbus_done& done, std::int32_t status) {
    done.fn(done.ctx, status, nullptr, nullptr);
  }

  struct queued {
    void (*fn)(void*);
    void* ctx;
    std::uint64_t number;
  };
  struct source {
    const void* owner;
    std::function<std::size_t()> poll, poll_one;
  };
  enum kind : std::uint64_t { posted, timed, polled };

  void note(kind what, std::uint64_t which) noexcept {
    hash_ = (hash_ ^ (which << 2 | what)) * 0x9E3779B97F4A7C15;
    hash_ ^= hash_ >> 32;
  }
  void run(const queued& next) {
    note(posted, next.number);
    next.fn(next.ctx);
  }
  void run_timer() {
    note(timed, timers_.next_id());
    answer(*timers_.pop(), POSTBUS_OK);
  }

  bool step() {
    if (!ready_.empty()) {
      const queued next = ready_.front();
      ready_.pop_front();
      return run(next), true;
    }
    if (timers_.next() <= now_) return run_timer(), true;
    bool more = false;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      if (sources_[i].poll() == 0) continue;
      note(polled, i);
      more = true;
    }
    return more;
  }

  // A source says only by running whether it has something to run: from one that has nothing the draw goes on to its neighbour.
  bool explore_a_step() {
    const bool due = timers_.next() <= now_;
    const std::size_t choices = ready_.size() + due + sources_.size();
    const std::size_t first = choices > 1 ? choices_() % choices : 0;
    for (std::size_t tried = 0; tried < choices; ++tried) {
      const std::size_t at = (first + tried) % choices;
      if (at < ready_.size()) {
        const queued next = std::exchange(ready_[at], ready_.back());
        ready_.pop_back();
        return run(next), true;
      }
      if (due && at == ready_.size()) return run_timer(), true;
      const std::size_t which = at - ready_.size() - due;
      if (sources_[which].poll_one() > 0) return note(polled, which), true;
    }
    return false;
  }

  std::int64_t now_ = 0;
  sdk::timer_queue timers_;
  std::deque<queued> ready_;
  std::uint64_t posted_ = 0;
  std::vector<source> sources_;
  bool explores_ = false;
  std::uint64_t hash_ = 0x2545F4914F6CDD1D;
  std::mt19937_64 random_, choices_;
};

}  // namespace postbus::testing
