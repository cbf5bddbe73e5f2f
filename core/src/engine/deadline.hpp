// deadline: when a wait ends, on the steady clock; it can be brought forward while somebody waits for it.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace postbus::detail {

class deadline {
 public:
  explicit deadline(std::int64_t steady_ns) noexcept : ns_(steady_ns) {}
  static constexpr std::int64_t never = INT64_MAX;

  std::int64_t ns() const noexcept { return ns_.load(); }
  // To `steady_ns` where that is earlier. Who waits has to be woken.
  void shorten(std::int64_t steady_ns) noexcept {
    for (std::int64_t now = ns(); steady_ns < now && !ns_.compare_exchange_weak(now, steady_ns);) {
    }
  }
  // Until over(), looked at whenever `changed` is notified; false when the deadline passed before.
  template <class Over>
  bool wait(std::unique_lock<std::mutex>& lock, std::condition_variable& changed, const Over& over) const {
    using namespace std::chrono;
    while (!over()) {
      const std::int64_t end = ns();
      if (end == never) changed.wait(lock);
      else if (steady_clock::now() >= steady_clock::time_point(nanoseconds(end))) return false;
      else changed.wait_until(lock, steady_clock::time_point(nanoseconds(end)));
    }
    return true;
  }

 private:
  std::atomic<std::int64_t> ns_;
};

}  // namespace postbus::detail
