// done_cache: keys that are known to be done, and until when; the oldest go when there are too many. A ring of keys in the order in which
// they came, whose memory is used again, and an index into it. Not for several threads.
#pragma once

#include <postbus/sdk/hash.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postbus::dedup_plugin {

class done_cache {
 public:
  explicit done_cache(std::size_t most) : most_(most) {}

  bool holds(std::string_view key, std::int64_t now_ns) const noexcept {
    const slot* found = find(key, sdk::hash_bytes(key));
    return found != nullptr && found->until_ns > now_ns;
  }
  void add(std::string_view key, std::int64_t until_ns) {
    if (most_ == 0) return;
    const std::uint64_t hash = sdk::hash_bytes(key);
    if (slot* found = find(key, hash)) {
      found->until_ns = until_ns;
      return;
    }
    if (size_ == most_) drop_oldest();
    if (size_ == ring_.size()) grow();
    slot& s = ring_[(first_ + size_) % ring_.size()];
    bytes_ -= own_text(s.key);
    s.key = key;
    bytes_ += own_text(s.key);
    s.hash = hash;
    s.until_ns = until_ns;
    enter((first_ + size_++) % ring_.size());
  }
  // Its place in the order stays until its time comes.
  void erase(std::string_view key) noexcept {
    if (slot* found = find(key, sdk::hash_bytes(key)))
      found->until_ns = std::numeric_limits<std::int64_t>::min();
  }
  void clear() noexcept {
    while (size_ > 0) drop_oldest();
  }
  // Those whose window is over, oldest first.
  void expire(std::int64_t now_ns) noexcept {
    while (size_ > 0 && ring_[first_].until_ns <= now_ns) drop_oldest();
  }
  std::size_t size() const noexcept { return size_; }
  // Of the ring, the index and the texts; they stay when keys go.
  std::size_t bytes() const noexcept {
    return bytes_ + ring_.size() * sizeof(slot) + index_.size() * sizeof(std::uint64_t);
  }

 private:
  struct slot {
    std::string key;
    std::uint64_t hash = 0;
    std::int64_t until_ns = 0;
  };
  // An entry of the index: the upper half of the hash, and the slot + 1; 0: there is none. By linear probing.
  static constexpr std::uint64_t upper = 0xffff'ffff'0000'0000;
  static std::size_t slot_of(std::uint64_t entry) noexcept { return static_cast<std::uint32_t>(entry) - 1; }
  static std::size_t own_text(const std::string& s) noexcept {
    return s.capacity() > 15 ? s.capacity() + 1 : 0;
  }
  std::size_t next(std::size_t at) const noexcept { return (at + 1) & (index_.size() - 1); }
  std::size_t home(std::uint64_t hash) const noexcept { return hash & (index_.size() - 1); }

  const slot* find(std::string_view key, std::uint64_t hash) const noexcept {
    if (index_.empty()) return nullptr;
    for (std::size_t at = home(hash); index_[at] != 0; at = next(at))
      if ((index_[at] & upper) == (hash & upper) && ring_[slot_of(index_[at])].key == key)
        return &ring_[slot_of(index_[at])];
    return nullptr;
  }
  slot* find(std::string_view key, std::uint64_t hash) noexcept {
    return const_cast<slot*>(std::as_const(*this).find(key, hash));
  }
  void enter(std::size_t number) noexcept {
    std::size_t at = home(ring_[number].hash);
    while (index_[at] != 0) at = next(at);
    index_[at] = (ring_[number].hash & upper) | (number + 1);
  }
  // What stands behind it moves up, so that no search ends too early.
  void drop_oldest() noexcept {
    std::size_t hole = home(ring_[first_].hash);
    while (slot_of(index_[hole]) != first_) hole = next(hole);
    for (std::size_t at = next(hole); index_[at] != 0; at = next(at)) {
      const std::size_t wanted = home(ring_[slot_of(index_[at])].hash);
      if (((at - wanted) & (index_.size() - 1)) < ((at - hole) & (index_.size() - 1))) continue;
      index_[hole] = index_[at];
      hole = at;
    }
    index_[hole] = 0;
    first_ = (first_ + 1) % ring_.size();
    --size_;
  }
  void grow() {
    std::rotate(ring_.begin(), ring_.begin() + static_cast<std::ptrdiff_t>(first_), ring_.end());
    first_ = 0;
    ring_.resize(std::min(most_, std::max<std::size_t>(64, 2 * ring_.size())));
    std::size_t entries = 128;
    while (entries < 2 * ring_.size()) entries *= 2;
    index_.assign(entries, 0);
    for (std::size_t i = 0; i < size_; ++i) enter(i);
  }

  const std::size_t most_;
  std::vector<slot> ring_;
  std::vector<std::uint64_t> index_;  // at least twice as long
  std::size_t first_ = 0, size_ = 0, bytes_ = 0;
};

}  // namespace postbus::dedup_plugin
