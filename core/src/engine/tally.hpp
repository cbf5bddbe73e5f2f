// tally_sheet: one thread's counters, one per subscription. Only its thread writes, with plain stores; anybody may read. It is how
// inline deliveries are counted without a word that two publishers write.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

namespace postbus::detail {

class tally_sheet {
 public:
  static constexpr std::uint32_t numbers_max = 4096 * 1024;

  // By the owning thread. Throws bad_alloc the first time in a block of subscriptions.
  void add(std::uint32_t number) {
    std::atomic<std::uint64_t>& value = at(number);
    value.store(value.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  std::uint64_t read(std::uint32_t number) const noexcept {
    const block* b = number / per_block < blocks_.size()
                         ? blocks_[number / per_block].load(std::memory_order_acquire)
                         : nullptr;
    return b != nullptr ? (*b)[number % per_block].load(std::memory_order_relaxed) : 0;
  }
  // When no delivery of this subscription can run any more.
  void clear(std::uint32_t number) noexcept {
    block* b = number / per_block < blocks_.size()
                   ? blocks_[number / per_block].load(std::memory_order_acquire)
                   : nullptr;
    if (b != nullptr) (*b)[number % per_block].store(0, std::memory_order_relaxed);
  }
  tally_sheet() = default;
  tally_sheet(const tally_sheet&) = delete;
  tally_sheet& operator=(const tally_sheet&) = delete;
  ~tally_sheet() {
    for (auto& b : blocks_) delete b.load(std::memory_order_relaxed);
  }

 private:
  static constexpr std::size_t per_block = 4096;
  using block = std::array<std::atomic<std::uint64_t>, per_block>;

  std::atomic<std::uint64_t>& at(std::uint32_t number) {
    std::atomic<block*>& place = blocks_[number / per_block];
    block* b = place.load(std::memory_order_relaxed);
    if (b == nullptr) [[unlikely]] {
      b = new block{};
      place.store(b, std::memory_order_release);
    }
    return (*b)[number % per_block];
  }

  std::array<std::atomic<block*>, numbers_max / per_block> blocks_{};
};

}  // namespace postbus::detail
