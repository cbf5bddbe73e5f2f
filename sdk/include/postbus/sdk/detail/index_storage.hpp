// Part of <postbus/sdk/topic_index.hpp>: where it keeps things. Three containers that refer by 32-bit
// numbers instead of pointers (half the memory), never move what they hold, and reuse what was given
// back. Number 0 means none. None of them gives memory back to the system before it is destroyed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace postbus::sdk::detail {

using index_ref = std::uint32_t;

// The two top bits of a reference are free for its owner's use.
inline constexpr std::uint32_t index_ref_bits = 30;
inline constexpr index_ref index_ref_max = (index_ref{1} << index_ref_bits) - 1;

// Objects of one type. Record has a member `index_ref link`, the pool's while the record is free,
// and is otherwise handed out as it was given back.
template <class Record>
class index_pool {
 public:
  // The number of a free record. Errors: std::bad_alloc, nothing changed.
  [[nodiscard]] index_ref take() {
    if (free_ != 0) return std::exchange(free_, (*this)[free_].link);
    if (used_ >> chunk_bits == chunks_.size()) {
      if (used_ + chunk_size > index_ref_max) throw std::bad_alloc();
      chunks_.push_back(std::unique_ptr<Record[]>(new Record[chunk_size]));
    }
    return used_++;
  }

  void prefetch(index_ref ref) const noexcept { __builtin_prefetch(&(*this)[ref]); }

  void give_back(index_ref ref) noexcept { (*this)[ref].link = std::exchange(free_, ref); }

  [[nodiscard]] Record& operator[](index_ref ref) noexcept {
    return chunks_[ref >> chunk_bits][ref & (chunk_size - 1)];
  }
  [[nodiscard]] const Record& operator[](index_ref ref) const noexcept {
    return chunks_[ref >> chunk_bits][ref & (chunk_size - 1)];
  }

  // One more than the largest number ever taken.
  [[nodiscard]] index_ref end() const noexcept { return used_; }

  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return chunks_.size() * chunk_size * sizeof(Record);
  }

 private:
  static constexpr std::uint32_t chunk_bits = 8;
  static constexpr index_ref chunk_size = index_ref{1} << chunk_bits;

  std::vector<std::unique_ptr<Record[]>> chunks_;
  index_ref used_ = 1;
  index_ref free_ = 0;
};

// Byte blocks of up to block_bytes_max, aligned to 8. Each size has its own list of free blocks, so
// memory stays at the most ever used of each size.
class index_arena {
 public:
  static constexpr std::size_t block_bytes_max = 264;

  // Errors: std::bad_alloc, nothing changed.
  [[nodiscard]] index_ref take(std::size_t bytes) {
    const std::size_t units = units_of(bytes);
    if (const index_ref ref = free_[units]; ref != 0) {
      std::memcpy(&free_[units], this->bytes(ref), sizeof ref);
      return ref;
    }
    if (units > chunks_.size() * chunk_units - used_) add_chunk();
    return static_cast<index_ref>(std::exchange(used_, used_ + units));
  }

  // Requires the size it was taken with.
  void give_back(index_ref ref, std::size_t bytes) noexcept {
    index_ref& first = free_[units_of(bytes)];
    std::memcpy(this->bytes(ref), &first, sizeof first);
    first = ref;
  }

  [[nodiscard]] char* bytes(index_ref ref) noexcept {
    return &chunks_[ref >> chunk_bits][(ref & (chunk_units - 1)) * unit_bytes];
  }
  [[nodiscard]] const char* bytes(index_ref ref) const noexcept {
    return &chunks_[ref >> chunk_bits][(ref & (chunk_units - 1)) * unit_bytes];
  }

  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return chunks_.size() * chunk_units * unit_bytes;
  }

 private:
  static constexpr std::size_t unit_bytes = 8;
  static constexpr std::uint32_t chunk_bits = 11;  // 16 KiB
  static constexpr std::size_t chunk_units = std::size_t{1} << chunk_bits;

  [[nodiscard]] static std::size_t units_of(std::size_t bytes) noexcept {
    return (bytes + unit_bytes - 1) / unit_bytes;
  }

  void add_chunk() {
    const std::size_t begin = chunks_.size() * chunk_units;
    if (begin + chunk_units > index_ref_max) throw std::bad_alloc();
    chunks_.push_back(std::unique_ptr<char[]>(new char[chunk_units * unit_bytes]));
    // What was left of the chunk before becomes one free block.
    if (used_ < begin) give_back(static_cast<index_ref>(used_), (begin - used_) * unit_bytes);
    used_ = begin == 0 ? 1 : begin;
  }

  std::vector<std::unique_ptr<char[]>> chunks_;
  std::size_t used_ = 0;  // units
  std::array<index_ref, block_bytes_max / unit_bytes + 1> free_{};
};

struct index_slot {
  std::uint32_t tag = 0;  // the low half of the hash
  index_ref ref = 0;
};

// Hash → slot; the caller compares what a slot's reference stands for. Open addressing, linear
// probing, at most three quarters full; erasing closes the gap, so there are no tombstones and
// lookups stay as short after any amount of churn. Never shrinks. Slot: index_slot, or derived.
template <class Slot = index_slot>
class index_table {
 public:
  void prefetch(std::uint64_t hash) const noexcept {
    if (!slots_.empty()) __builtin_prefetch(&slots_[hash & mask()]);
  }

  // The slot inserted under `hash` for which is_it(slot) is true, or null. It may move with the next
  // insert or erase.
  template <class IsIt>
  [[nodiscard]] const Slot* find(std::uint64_t hash, IsIt&& is_it) const {
    if (slots_.empty()) return nullptr;
    const auto tag = static_cast<std::uint32_t>(hash);
    for (std::size_t at = tag & mask(); slots_[at].ref != 0; at = (at + 1) & mask()) {
      if (slots_[at].tag == tag && is_it(slots_[at])) return &slots_[at];
    }
    return nullptr;
  }

  // The slot of `ref`, which is in the table under `hash`.
  [[nodiscard]] Slot& slot_of(std::uint64_t hash, index_ref ref) noexcept {
    return slots_[position(hash, ref)];
  }
  [[nodiscard]] const Slot& slot_of(std::uint64_t hash, index_ref ref) const noexcept {
    return slots_[position(hash, ref)];
  }

  // Makes room for one more. Cost: amortized O(1); a growth moves every slot (about 10 ns each).
  // Errors: std::bad_alloc, nothing changed.
  void reserve_one() {
    if ((used_ + 1) * 4 <= slots_.size() * 3) return;
    std::vector<Slot> old(slots_.empty() ? 16 : slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.ref != 0) place(slot);
    }
  }

  // Requires reserve_one() before, and that `ref` is not in the table.
  void insert(std::uint64_t hash, index_ref ref) noexcept {
    Slot slot;
    slot.tag = static_cast<std::uint32_t>(hash);
    slot.ref = ref;
    place(slot);
    ++used_;
  }

  // Requires that `ref` is in the table under `hash`.
  void erase(std::uint64_t hash, index_ref ref) noexcept {
    std::size_t gap = position(hash, ref);
    for (std::size_t at = (gap + 1) & mask(); slots_[at].ref != 0; at = (at + 1) & mask()) {
      // A slot may move back to the gap unless its home lies behind the gap.
      const std::size_t home = slots_[at].tag & mask();
      if (((at - home) & mask()) >= ((at - gap) & mask())) {
        slots_[gap] = slots_[at];
        gap = at;
      }
    }
    slots_[gap] = {};
    --used_;
  }

  [[nodiscard]] std::size_t memory_bytes() const noexcept { return slots_.size() * sizeof(Slot); }

 private:
  [[nodiscard]] std::size_t mask() const noexcept { return slots_.size() - 1; }

  [[nodiscard]] std::size_t position(std::uint64_t hash, index_ref ref) const noexcept {
    std::size_t at = hash & mask();
    while (slots_[at].ref != ref) at = (at + 1) & mask();
    return at;
  }

  void place(const Slot& slot) noexcept {
    std::size_t at = slot.tag & mask();
    while (slots_[at].ref != 0) at = (at + 1) & mask();
    slots_[at] = slot;
  }

  std::vector<Slot> slots_;
  std::size_t used_ = 0;
};

}  // namespace postbus::sdk::detail
