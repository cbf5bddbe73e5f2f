// postbus/sdk/topic_index.hpp — which of very many patterns match this topic.
//
//     topic_index<subscription*> index;
//     auto handle = index.insert("agent:{verb}:*", subscription);      // under the owner's lock
//     index.match("agent:status:42", [](subscription* const& s) { … });   // under its shared lock
//     index.erase(handle);                                             // under the owner's lock
//
// The time of a match depends on the segments of the topic and on the patterns that begin like it,
// not on how many there are. A caller that asks for the same topics again keeps its answers, each
// with a stamp, and needs no lock to know that an answer still holds:
//
//     1. key = index.key(topic)              once for a topic
//     2. stamp = index.stamp(key)            before the match, or a change between the two is missed
//     3. lock shared; match; unlock          keep the answer together with that stamp
//     4. later: index.stamp(key) == stamp    the answer still holds; else go to 2
//
// A stamp says that the answer holds, not that the values live: whoever erases a value which others
// may have kept sees to it that it outlives them.
//
// Threads: insert and erase need the index for themselves; match, size, empty and memory_bytes may
// run at the same time as each other; key and stamp at any time, in any thread, without a lock.
// Memory, with an 8-byte Value: about 80 bytes for an exact pattern of 20 bytes that no other entry
// has, 105 for `jobs:42:**`, 70 more for each further segment that is this pattern's alone, 24 for an
// entry under a pattern that is there already; 53 KiB for the index itself. Erased room is used again, and given back to the system when the index is destroyed.
// Errors: std::bad_alloc from insert, which then changed nothing; no other exception but fn's.
#pragma once

#include <postbus/sdk/detail/exact_patterns.hpp>
#include <postbus/sdk/detail/index_storage.hpp>
#include <postbus/sdk/detail/pattern_trie.hpp>
#include <postbus/sdk/detail/topic_stamps.hpp>
#include <postbus/sdk/hash.hpp>
#include <postbus/sdk/topic.hpp>

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

namespace postbus::sdk {

// One entry of one index, until it is erased. A default one names nothing.
struct topic_index_handle {
  std::uint32_t entry = 0;
  std::uint32_t generation = 0;

  explicit operator bool() const noexcept { return entry != 0; }
};

// Value: what a pattern leads to, small (a pointer, a number); not to be changed while it is in.
template <class Value>
class topic_index {
  static_assert(std::is_nothrow_move_constructible_v<Value> && std::is_nothrow_destructible_v<Value>,
                "a Value must move and die without throwing, or insert could not keep its promise");

 public:
  topic_index() = default;
  topic_index(const topic_index&) = delete;
  topic_index& operator=(const topic_index&) = delete;

  ~topic_index() {
    for (detail::index_ref ref = 1; ref < entries_.end(); ++ref) {
      if (entries_[ref].is_live()) entries_[ref].value.~Value();
    }
  }

  // Adds `value` under `pattern`; the same pair may be added any number of times and is then matched
  // as often. Requires check_pattern(pattern) to be clean: asserted; without assertions a bad
  // pattern adds nothing and gives an empty handle.
  // Cost: amortized O(bytes of the pattern), below 1 µs on average; growing a table of n patterns,
  // at each doubling, takes about 10 ns × n at once.
  [[nodiscard]] topic_index_handle insert(std::string_view pattern, Value value) {
    const bool good = !check_pattern(pattern);
    assert(good && "postbus::sdk::topic_index::insert: check the pattern first");
    if (!good) return {};

    const detail::index_ref ref = entries_.take();
    place where;
    try {
      where = find_or_add(pattern);
    } catch (...) {
      entries_.give_back(ref);
      throw;
    }
    entry& added = entries_[ref];
    ::new (static_cast<void*>(&added.value)) Value(std::move(value));
    added.where = where;
    ++added.generation;
    append(where, ref);
    ++size_;
    stamps_.bump(bucket_of(where));
    return {ref, added.generation};
  }

  // Takes out what insert() returned `handle` for, destroys its value and returns true; false when
  // it was taken out before or the handle is empty. A handle of another index is a mistake that is
  // not noticed. Cost: O(bytes of the pattern), however many share it.
  bool erase(topic_index_handle handle) noexcept {
    if (handle.entry == 0 || handle.entry >= entries_.end()) return false;
    entry& gone = entries_[handle.entry];
    if (!gone.is_live() || gone.generation != handle.generation) return false;
    const place where = gone.where;
    const detail::topic_stamps::bucket bucket = bucket_of(where);
    unlink(where, handle.entry);
    if (first(where) == 0) remove(where);
    gone.value.~Value();
    ++gone.generation;
    entries_.give_back(handle.entry);
    --size_;
    stamps_.bump(bucket);
    return true;
  }

  // Calls fn(const Value&) for every entry whose pattern matches `topic`. fn must not change this
  // index; what it throws passes through. Values under one pattern come in the order they were
  // added. Between patterns the order depends on their texts alone, never on history: compared
  // segment by segment from the left, `**` comes first, then a last `*`, then literal text, then
  // `*` (or {name}) with more behind it; a pattern without a wildcard comes after all others.
  // Requires a checked topic; other text matches something unspecified.
  // Cost: 40 ns when the caches hold what it needs, 200 ns at random among a million patterns; fn's.
  // Where patterns with literal and with `*` segments overlap, every one of their nodes that fits
  // the topic so far is visited.
  template <class Fn>
  void match(std::string_view topic, Fn&& fn) const {
    const std::uint64_t hash = hash_bytes(topic);
    exact_.prefetch(hash);
    const auto visit = [&](detail::index_ref first) {
      for (auto ref = first; ref != 0; ref = entries_[ref].link) fn(entries_[ref].value);
    };
    trie_.walk(topic, visit);
    visit(exact_.find(topic, hash, [&](detail::index_ref first) { entries_.prefetch(first); }));
  }

  // How many entries there are, and whether there are none. Cost: O(1).
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

  // What the index occupies, the room it keeps for later included; what values own is not. It grows
  // with the most entries there ever were. Cost: O(1).
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return sizeof *this + entries_.memory_bytes() + exact_.memory_bytes() + trie_.memory_bytes();
  }

  // Where to look for the stamp of `topic`; the same for every index of the process. The second
  // form is for who has hash_bytes(topic) already. Cost: 12 ns.
  [[nodiscard]] static topic_stamp_key key(std::string_view topic) noexcept {
    return key(topic, hash_bytes(topic));
  }
  [[nodiscard]] static topic_stamp_key key(std::string_view topic, std::uint64_t hash) noexcept {
    return detail::topic_stamps::key(topic, hash);
  }

  // A number that differs from all before once an insert or erase that may have changed the answer
  // for the topic has returned; never the same again. Changes of other patterns leave it alone,
  // except those that share a counter: wildcard patterns that begin with the same one or two
  // literal segments, all that begin with a wildcard, and by chance: of 4,096 topics an exact change
  // catches one, of 2,048 pairs of first segments a wildcard change catches one.
  // Cost: four loads, 1 ns; the second form computes the key first.
  [[nodiscard]] std::uint64_t stamp(topic_stamp_key key) const noexcept { return stamps_.read(key); }
  [[nodiscard]] std::uint64_t stamp(std::string_view topic) const noexcept {
    return stamps_.read(key(topic));
  }

 private:
  // Where an entry hangs: one of the three ends of a node of the trie, or an exact pattern's block.
  class place {
   public:
    place() = default;
    explicit place(detail::index_ref exact_block) noexcept : bits_(exact_block << 2 | exact) {}
    explicit place(detail::trie_place at) noexcept
        : bits_(at.node << 2 | static_cast<std::uint32_t>(at.end)) {}

    [[nodiscard]] bool is_exact() const noexcept { return (bits_ & 3) == exact; }
    [[nodiscard]] detail::index_ref block() const noexcept { return bits_ >> 2; }
    [[nodiscard]] detail::trie_place in_trie() const noexcept {
      return {bits_ >> 2, static_cast<detail::trie_end>(bits_ & 3)};
    }

   private:
    static constexpr std::uint32_t exact = 3;  // the other three are trie_end

    std::uint32_t bits_ = 0;
  };
  static_assert(detail::index_ref_bits == 30);

  // Entries of one place form a list: forward it ends with 0, backward it is a ring, so that the
  // first one knows the last.
  struct entry {
    detail::index_ref link = 0;  // the next one
    detail::index_ref before = 0;
    place where;
    std::uint32_t generation = 0;  // odd while it holds a value
    union {
      Value value;
    };

    // Defaulted, these two would be deleted for a Value that has its own.
    entry() noexcept {}  // NOLINT(modernize-use-equals-default)
    ~entry() {}          // NOLINT(modernize-use-equals-default)
    [[nodiscard]] bool is_live() const noexcept { return generation % 2 == 1; }
  };

  [[nodiscard]] place find_or_add(std::string_view pattern) {
    if (!has_wildcard(pattern)) {
      return place(exact_.find_or_add(pattern, hash_bytes(pattern)));
    }
    return place(trie_.find_or_add(pattern));
  }

  // After its last entry went.
  void remove(place where) noexcept {
    if (where.is_exact()) {
      exact_.remove(where.block());
    } else {
      trie_.prune(where.in_trie().node);
    }
  }

  [[nodiscard]] detail::index_ref first(place where) const noexcept {
    return where.is_exact() ? exact_.first(where.block()) : trie_.first(where.in_trie());
  }
  void set_first(place where, detail::index_ref ref) noexcept {
    if (where.is_exact()) {
      exact_.set_first(where.block(), ref);
    } else {
      trie_.set_first(where.in_trie(), ref);
    }
  }

  void append(place where, detail::index_ref ref) noexcept {
    const detail::index_ref head = first(where);
    entries_[ref].link = 0;
    if (head == 0) {
      entries_[ref].before = ref;
      set_first(where, ref);
      return;
    }
    const detail::index_ref last = std::exchange(entries_[head].before, ref);
    entries_[ref].before = last;
    entries_[last].link = ref;
  }

  void unlink(place where, detail::index_ref ref) noexcept {
    const detail::index_ref head = first(where);
    const detail::index_ref next = entries_[ref].link;
    const detail::index_ref before = entries_[ref].before;
    if (ref == head) {
      set_first(where, next);
      if (next != 0) entries_[next].before = before;
    } else {
      entries_[before].link = next;
      entries_[next != 0 ? next : head].before = before;
    }
  }

  // The counter that covers every topic the patterns of this place can match.
  [[nodiscard]] detail::topic_stamps::bucket bucket_of(place where) const noexcept {
    using stamps = detail::topic_stamps;
    if (where.is_exact()) return stamps::text_bucket(hash_bytes(exact_.text(where.block())));
    std::uint64_t hash = 0;
    std::size_t segments = 0;
    trie_.literal_prefix(where.in_trie().node, [&](std::string_view segment) {
      hash = stamps::extend(hash, segment);
      ++segments;
    });
    return segments == 0 ? stamps::every_topic : stamps::prefix_bucket(hash, segments);
  }

  detail::index_pool<entry> entries_;
  detail::exact_patterns exact_;
  detail::pattern_trie trie_;
  std::size_t size_ = 0;
  detail::topic_stamps stamps_;
};

}  // namespace postbus::sdk
