// fake_runtime: postbus.runtime/1 for one plugin, on a manual_clock: what the plugin posts and its timers run on the test's thread,
// inside the clock's run_until_idle() and advance(). A plugin's own threads may call it too; only the clock is not moved meanwhile.
#pragma once

#include <postbus/testing/faults.hpp>
#include <postbus/testing/manual_clock.hpp>

#include <postbus/sdk/completion.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace postbus::testing {

class fake_runtime {
 public:
  fake_runtime(manual_clock& clock, faults& broken) : clock_(clock), broken_(broken) {
    clock_.add_source(this, [this] { return poll(); });
  }
  fake_runtime(const fake_runtime&) = delete;
  fake_runtime& operator=(const fake_runtime&) = delete;
  ~fake_runtime() {
    cancel_timers();
    clock_.remove_source(this);
    while (!alarms_.empty()) clock_.cancel((*alarms_.begin())->id);
  }

  // As the host does before stop(): the plugin's timers answer CANCELLED, and so will those it still makes.
  void cancel_timers() {
    std::map<std::uint64_t, timer> left;
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      left.swap(timers_);
    }
    for (const auto& [id, t] : left) sdk::answer(t.done, POSTBUS_E_CANCELLED);
  }
  std::size_t pending_timers() const {
    const std::lock_guard lock(mutex_);
    return timers_.size();
  }

  // Around every [hot] call into the plugin: a grace period ends when there is none.
  class hot_call {
   public:
    explicit hot_call(fake_runtime& runtime) : runtime_(runtime) { add(1); }
    ~hot_call() { add(-1); }
    hot_call(const hot_call&) = delete;
    hot_call& operator=(const hot_call&) = delete;

   private:
    void add(int change) {
      const std::lock_guard lock(runtime_.mutex_);
      runtime_.hot_calls_ += change;
    }
    fake_runtime& runtime_;
  };

  // The C table; its self is the fake_runtime.
  static const postbus_runtime& table() noexcept {
    static constexpr postbus_runtime functions{
        sizeof(postbus_runtime),
        0,
        [](void* self) { return of(self, "runtime.now_ns").clock_.now_ns(); },
        [](void* self) { return of(self, "runtime.wall_ns").clock_.wall_ns(); },
        [](void* self) { return of(self, "runtime.random").random(); },
        [](void* self, void (*fn)(void*), void* ctx) { of(self, "runtime.post").post(fn, ctx); },
        [](void* self, std::int64_t delay_ns, postbus_done done) {
          return of(self, "runtime.timer").start_timer(delay_ns, done);
        },
        [](void* self, std::uint64_t id) { of(self, "runtime.cancel").cancel(id); },
        [](void* self, postbus_done done) { of(self, "runtime.grace_period").grace_period(done); }};
    return functions;
  }

 private:
  struct timer {
    postbus_done done;
    std::int64_t deadline_ns;
    sdk::timer_queue::id alarm;  // 0: another thread made it, and the clock does not know it yet
  };
  // What the clock has of a timer. It may come late, for one that was cancelled.
  struct alarm {
    fake_runtime* owner;
    std::uint64_t timer_id;
    sdk::timer_queue::id id;
  };

  static fake_runtime& of(void* self, const char* function) {
    auto& me = *static_cast<fake_runtime*>(self);
    me.broken_.called(function);
    return me;
  }
  bool on_clock_thread() const { return std::this_thread::get_id() == thread_; }

  std::uint64_t random() {
    const std::lock_guard lock(mutex_);
    return clock_.random();
  }
  void post(void (*fn)(void*), void* ctx) {
    if (on_clock_thread()) return clock_.post(fn, ctx);
    const std::lock_guard lock(mutex_);
    posted_.emplace_back(fn, ctx);
  }
  std::uint64_t start_timer(std::int64_t delay_ns, postbus_done done) {
    std::unique_lock lock(mutex_);
    if (stopping_) {
      lock.unlock();
      sdk::answer(done, POSTBUS_E_CANCELLED);
      return 0;
    }
    const std::uint64_t id = ++timers_made_;
    timers_[id] = {done, clock_.now_ns() + std::max<std::int64_t>(delay_ns, 0), 0};
    if (on_clock_thread()) arm(id);
    return id;
  }
  void cancel(std::uint64_t id) {
    std::unique_lock lock(mutex_);
    const auto found = timers_.find(id);
    if (found == timers_.end()) return;
    const timer cancelled = found->second;
    timers_.erase(found);
    lock.unlock();
    if (cancelled.alarm != 0 && on_clock_thread()) clock_.cancel(cancelled.alarm);
    sdk::answer(cancelled.done, POSTBUS_E_CANCELLED);
  }
  void grace_period(postbus_done done) {
    const std::lock_guard lock(mutex_);
    waiting_for_grace_.push_back(done);
  }

  void arm(std::uint64_t id) {
    timer& t = timers_[id];
    auto* a = new alarm{this, id, 0};
    alarms_.insert(a);
    t.alarm = a->id = clock_.timer(t.deadline_ns - clock_.now_ns(), {&fake_runtime::due, a});
  }
  static void due(void* ctx, std::int32_t status, const void*, const postbus_error*) {
    const std::unique_ptr<alarm> a(static_cast<alarm*>(ctx));
    fake_runtime& me = *a->owner;
    std::unique_lock lock(me.mutex_);
    me.alarms_.erase(a.get());
    const auto found = me.timers_.find(a->timer_id);
    if (found == me.timers_.end()) return;
    const postbus_done done = found->second.done;
    me.timers_.erase(found);
    lock.unlock();
    sdk::answer(done, status);
  }

  // What came from other threads, and the grace periods that are over. Returns how many ran.
  std::size_t poll() {
    std::unique_lock lock(mutex_);
    std::vector<std::uint64_t> unknown;
    for (const auto& [id, t] : timers_)
      if (t.alarm == 0) unknown.push_back(id);
    for (const std::uint64_t id : unknown) arm(id);
    const auto posted = std::exchange(posted_, {});
    std::vector<postbus_done> over;
    if (hot_calls_ == 0) over.swap(waiting_for_grace_);
    lock.unlock();
    for (const auto& [fn, ctx] : posted) fn(ctx);
    for (const postbus_done& done : over) sdk::answer(done, POSTBUS_OK);
    return unknown.size() + posted.size() + over.size();
  }

  manual_clock& clock_;
  faults& broken_;
  const std::thread::id thread_ = std::this_thread::get_id();
  mutable std::mutex mutex_;
  std::map<std::uint64_t, timer> timers_;
  std::uint64_t timers_made_ = 0;
  std::set<alarm*> alarms_;
  std::vector<std::pair<void (*)(void*), void*>> posted_;
  std::vector<postbus_done> waiting_for_grace_;
  int hot_calls_ = 0;
  bool stopping_ = false;
};

}  // namespace postbus::testing
