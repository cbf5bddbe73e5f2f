// Part of <postbus/sdk/topic_index.hpp>: the patterns without a wildcard, in a hash table by their
// whole text. The text is a block of its own; the first entry's number sits in the slot, so that a
// match reads both at the same time instead of one after the other.
#pragma once

#include <postbus/sdk/detail/index_storage.hpp>
#include <postbus/sdk/hash.hpp>

#include <cstdint>
#include <string_view>

namespace postbus::sdk::detail {

class exact_patterns {
 public:
  void prefetch(std::uint64_t hash) const noexcept { table_.prefetch(hash); }

  // The first entry of the pattern `text`, or 0; calls expect(first entry) when it is likely, before
  // it is certain. Requires hash == hash_bytes(text), here and below.
  template <class Expect>
  [[nodiscard]] index_ref find(std::string_view text, std::uint64_t hash, Expect&& expect) const {
    const slot* const found = table_.find(hash, [&](const slot& s) {
      expect(s.first);
      return this->text(s.ref) == text;
    });
    return found != nullptr ? found->first : 0;
  }

  // The block of `text`, made with no entry when it is new. Errors: std::bad_alloc, nothing changed.
  [[nodiscard]] index_ref find_or_add(std::string_view text, std::uint64_t hash) {
    const auto is_it = [&](const slot& s) { return this->text(s.ref) == text; };
    if (const slot* const found = table_.find(hash, is_it)) return found->ref;
    table_.reserve_one();
    const index_ref block = blocks_.take(1 + text.size());
    char* const bytes = blocks_.bytes(block);
    bytes[0] = static_cast<char>(text.size());
    text.copy(bytes + 1, text.size());
    table_.insert(hash, block);
    return block;
  }

  void remove(index_ref block) noexcept {
    const std::string_view gone = text(block);
    table_.erase(hash_bytes(gone), block);
    blocks_.give_back(block, 1 + gone.size());
  }

  [[nodiscard]] std::string_view text(index_ref block) const noexcept {
    const char* const bytes = blocks_.bytes(block);
    return {bytes + 1, static_cast<unsigned char>(bytes[0])};
  }

  [[nodiscard]] index_ref first(index_ref block) const noexcept {
    return table_.slot_of(hash_bytes(text(block)), block).first;
  }
  void set_first(index_ref block, index_ref entry) noexcept {
    table_.slot_of(hash_bytes(text(block)), block).first = entry;
  }

  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return table_.memory_bytes() + blocks_.memory_bytes();
  }

 private:
  struct slot : index_slot {
    index_ref first = 0;
  };

  index_table<slot> table_;
  index_arena blocks_;
};

}  // namespace postbus::sdk::detail
