// worker_pool and timer_thread: the bus's own threads.
#pragma once

#include "runtime.hpp"

#include <postbus/sdk/spin_mutex.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace postbus::detail {

// Threads that run tasks in the order they were posted. An idle worker sleeps until one is posted, or looks for one all the time.
class worker_pool {
 public:
  worker_pool(unsigned threads, bool spin) : spin_(spin) {
    for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
  }
  worker_pool(const worker_pool&) = delete;
  worker_pool& operator=(const worker_pool&) = delete;
  ~worker_pool() { stop(); }

  void post(task& t) noexcept {
    bool wake = false;
    {
      const std::lock_guard lock(mutex_);
      t.next = nullptr;
      (last_ != nullptr ? last_->next : first_) = &t;
      last_ = &t;
      queued_.store(true, std::memory_order_relaxed);
      wake = sleeping_ > 0;
    }
    if (wake) posted_.notify_one();
  }

  // Runs what is queued, and ends the threads.
  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    posted_.notify_all();
    for (std::thread& t : threads_)
      if (t.joinable()) t.join();
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      bool looked = false;
      while (first_ == nullptr) {
        if (stopping_) return;
        if (spin_) {
          lock.unlock();
          for (int i = 0; i < 1000 && !queued_.load(std::memory_order_relaxed); ++i) sdk::pause();
          lock.lock();
        } else if (!looked) {
          // What comes within some microseconds is cheaper to wait for than to be woken for.
          looked = true;
          lock.unlock();
          for (int i = 0; i < looks_max && !queued_.load(std::memory_order_relaxed); ++i) sdk::pause();
          lock.lock();
        } else {
          ++sleeping_;
          posted_.wait(lock);
          --sleeping_;
        }
      }
      task* t = first_;
      first_ = t->next;
      if (first_ == nullptr) {
        last_ = nullptr;
        queued_.store(false, std::memory_order_relaxed);
      }
      lock.unlock();
      t->run(t);
      lock.lock();
    }
  }

  static constexpr int looks_max = 100;

  const bool spin_;
  alignas(64) std::mutex mutex_;
  std::condition_variable posted_;
  alignas(64) std::atomic<bool> queued_{false};
  task *first_ = nullptr, *last_ = nullptr;
  unsigned sleeping_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

// One thread that fires timers; started by the first one.
class timer_thread {
 public:
  ~timer_thread() { stop(); }

  sdk::timer_queue::id add(std::int64_t deadline_ns, postbus_done done) {
    const std::lock_guard lock(mutex_);
    const auto id = timers_.add(deadline_ns, done);
    if (!thread_.joinable() && !stopping_) thread_ = std::thread([this] { run(); });
    if (timers_.next() == deadline_ns) changed_.notify_one();
    return id;
  }
  void cancel(sdk::timer_queue::id timer) {
    std::unique_lock lock(mutex_);
    const auto done = timers_.cancel(timer);
    lock.unlock();
    if (done) done->fn(done->ctx, POSTBUS_E_CANCELLED, nullptr, nullptr);
  }
  void stop() {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    changed_.notify_one();
    lock.unlock();
    if (thread_.joinable()) thread_.join();
    while (const auto left = timers_.pop_due(INT64_MAX))
      left->fn(left->ctx, POSTBUS_E_CANCELLED, nullptr, nullptr);
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      if (const auto due = timers_.pop_due(steady_ns())) {
        lock.unlock();
        due->fn(due->ctx, POSTBUS_OK, nullptr, nullptr);
        lock.lock();
      } else if (timers_.next() == INT64_MAX) {
        changed_.wait(lock);
      } else {
        changed_.wait_until(lock,
                            std::chrono::steady_clock::time_point(std::chrono::nanoseconds(timers_.next())));
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  sdk::timer_queue timers_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace postbus::detail
