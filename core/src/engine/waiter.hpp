// waiter: turns a done into something a thread can wait for. Lives on the stack of who waits, so wait() comes before its end.
#pragma once

#include "runtime.hpp"

#include <postbus/sdk/completion.hpp>

#include <condition_variable>
#include <mutex>

namespace postbus::detail {

class waiter {
 public:
  postbus_done done() noexcept { return {&finish, this}; }

  // Whether the done ran already; then status() and the rest may be read.
  bool ready() const noexcept { return state_.load(std::memory_order_acquire) == done_; }

  // False: the deadline passed, or under a manual clock nothing is left to run. Then the done may still come: keep waiting, or leak.
  bool wait(runtime& rt, std::int64_t steady_deadline_ns = INT64_MAX) {
    if (rt.is_virtual() && !ready()) rt.run_queued();
    if (ready()) return true;
    if (rt.is_virtual()) return false;
    auto expected = pending_;
    state_.compare_exchange_strong(expected, waited_, std::memory_order_acq_rel);
    if (expected == done_) return true;
    std::unique_lock lock(mutex_);
    if (steady_deadline_ns == INT64_MAX) return changed_.wait(lock, [&] { return finished_; }), true;
    using namespace std::chrono;
    return changed_.wait_until(lock, steady_clock::time_point(std::chrono::nanoseconds(steady_deadline_ns)),
                               [&] { return finished_; });
  }

  std::int32_t status() const noexcept { return status_; }
  const void* result() const noexcept { return result_; }  // what was a pointer by itself
  const std::string& text() const noexcept { return text_; }
  const std::string& message() const noexcept { return message_; }

  // Called inside the done, while its result is still there.
  void (*copy_result)(waiter&, const void* result) = nullptr;
  std::string text_;

 private:
  static void finish(void* ctx, std::int32_t status, const void* result, const postbus_error* error) {
    auto& self = *static_cast<waiter*>(ctx);
    self.status_ = status;
    self.result_ = result;
    if (error != nullptr) self.message_ = error->message;
    if (self.copy_result != nullptr && status == POSTBUS_OK && result != nullptr)
      self.copy_result(self, result);
    if (self.state_.exchange(done_, std::memory_order_acq_rel) != waited_) return;
    const std::lock_guard lock(self.mutex_);
    self.finished_ = true;
    self.changed_.notify_all();
  }

  enum state : int { pending_, waited_, done_ };
  std::atomic<state> state_{pending_};
  std::int32_t status_ = POSTBUS_OK;
  const void* result_ = nullptr;
  std::string message_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool finished_ = false;
};

}  // namespace postbus::detail
