// spin_mutex: a mutex whose waiters look for some microseconds before they sleep: what it guards takes less than falling asleep and being
// woken does. For short critical sections that never block. Meets Lockable.
//
// The states and their transitions are those of U. Drepper, "Futexes Are Tricky", 2011, mutex 2.
#pragma once

#include <atomic>
#include <cstdint>

namespace postbus::sdk {

// In a loop that waits for another core.
inline void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

class spin_mutex {
 public:
  spin_mutex() noexcept = default;
  spin_mutex(const spin_mutex&) = delete;
  spin_mutex& operator=(const spin_mutex&) = delete;

  bool try_lock() noexcept {
    std::uint32_t expected = open;
    return state_.compare_exchange_strong(expected, locked, std::memory_order_acquire,
                                          std::memory_order_relaxed);
  }
  void lock() noexcept {
    if (try_lock()) return;
    for (int i = 0; i < looks_max; ++i) {
      pause();
      if (state_.load(std::memory_order_relaxed) == open && try_lock()) return;
    }
    while (state_.exchange(slept_on, std::memory_order_acquire) != open)
      state_.wait(slept_on, std::memory_order_relaxed);
  }
  void unlock() noexcept {
    if (state_.exchange(open, std::memory_order_release) == slept_on) state_.notify_one();
  }

 private:
  static constexpr int looks_max = 200;
  enum : std::uint32_t { open, locked, slept_on };
  std::atomic<std::uint32_t> state_{open};
};

}  // namespace postbus::sdk
