// dice: chances by a seed. The numbers are those of splitmix64, whose state is a counter: threads need no lock, and on one thread the
// same seed gives the same numbers in every build.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace postbus::faults {

class dice {
 public:
  explicit dice(std::uint64_t seed) noexcept : state_(seed) {}

  void reseed(std::uint64_t seed) noexcept { state_ = seed; }

  // True once in 1/chance times. A chance of 0 draws no number, so that a fault which is off changes nothing for the others.
  bool falls(double chance) noexcept {
    return chance > 0 && static_cast<double>(next() >> 11) * 0x1p-53 < chance;
  }
  // From 1 ns to `most`.
  std::chrono::nanoseconds up_to(std::chrono::nanoseconds most) noexcept {
    const auto range = static_cast<std::uint64_t>(most.count());
    return std::chrono::nanoseconds(static_cast<std::int64_t>(1 + next() % range));
  }

 private:
  std::uint64_t next() noexcept {
    std::uint64_t z = state_.fetch_add(0x9e3779b97f4a7c15) + 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  std::atomic<std::uint64_t> state_;
};

}  // namespace postbus::faults
