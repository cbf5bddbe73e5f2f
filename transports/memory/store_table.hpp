// store_table: the keys of a store, when they expire, and how many bytes they take. Every change can be undone until commit(): a
// group that fails half-way leaves nothing behind. Not for several threads at a time.
//
// A key is found by its hash. Keys of one family, which is what stands before the first ':' of them, are also in a list: a scan looks at
// the families that it asks for and no others. What expires within the same second is in a list, too.
#pragma once

#include "store_value.hpp"

#include <postbus/sdk/hash.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <limits>
#include <unordered_map>
#include <vector>

namespace postbus::memory {

struct store_limits {
  std::size_t keys_max = std::numeric_limits<std::size_t>::max();
  std::size_t bytes_max = std::numeric_limits<std::size_t>::max();
};

// Thrown by an op that cannot be done; what was done before it is undone.
struct store_refusal {
  std::int32_t status;
  std::string message;
};

class store_table {
 public:
  struct entry;
  using place = std::pair<const std::string, entry>*;  // of a key, as long as it is there; or nullptr
  // A place in a list: whoever points at it, and the next one.
  struct link {
    place* from = nullptr;
    place next = nullptr;
  };
  struct entry {
    store_value value{};
    std::size_t bytes = 0;         // without the key's
    std::int64_t deadline_ns = 0;  // 0: it never expires
    link family, alarm;            // alarm: where it has a deadline
  };

  explicit store_table(store_limits most) : most_(most) { undo_.reserve(16); }
  store_table(const store_table&) = delete;
  store_table& operator=(const store_table&) = delete;

  // Time goes on; at most `most` of what has expired goes, the rest later: what is looked for is never found expired. Without a limit
  // all of it goes, else what expired less than a second ago may stay.
  void set_time(std::int64_t now_ns, std::size_t most);
  std::int64_t now_ns() const noexcept { return now_ns_; }

  place find(std::string_view key);
  bool expired(const entry& e) const noexcept { return e.deadline_ns != 0 && e.deadline_ns <= now_ns_; }
  std::size_t size() const noexcept { return size_; }
  std::size_t bytes() const noexcept { return bytes_; }
  store_limits limits() const noexcept { return most_; }
  // Those that begin so and come behind `after`, in their order; `most` of them, 0: all. Costs as much as the families that may have
  // some are large.
  std::vector<std::string_view> keys(std::string_view prefix, std::string_view after, std::size_t most) const;

  // The key's place, which holds a T; none where it is not. Throws store_refusal where it holds something else.
  template <class T>
  place find_as(std::string_view key, std::string_view wanted) {
    const place at = find(key);
    if (at != nullptr && !std::holds_alternative<T>(at->second.value)) refuse_type(at, wanted);
    return at;
  }
  // As find_as, and makes an empty one.
  template <class T>
  place make_as(std::string_view key, std::string_view wanted) {
    const place at = find_as<T>(key, wanted);
    return at != nullptr ? at : create(key, T{});
  }

  // ---- changes. Those that need room throw store_refusal with E_FULL where there is none.
  place create(std::string_view key, store_value value);
  void replace(place at, store_value value);
  void remove(place at);
  // 0: it never expires.
  void set_deadline(place at, std::int64_t deadline_ns);
  // Sees to it that a key can get the deadline without fail.
  void expect_deadline(std::int64_t deadline_ns);
  // Before what it holds changes by so many bytes.
  void resize(place at, std::ptrdiff_t change);
  // How to take back a change of what a place holds.
  template <class F>
  void on_undo(F f) {
    if (can_undo_) undo_.emplace_back(std::move(f));
  }

  // Whether the changes up to commit() or undo() may have to be undone; one that fails before it changes anything needs no way back.
  void begin(bool can_undo) noexcept { can_undo_ = can_undo; }
  void commit() noexcept;
  void undo() noexcept;

 private:
  struct hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const noexcept { return sdk::hash_bytes(key); }
  };
  using map = std::unordered_map<std::string, entry, hash, std::equal_to<>>;
  using families = std::map<std::string, place, std::less<>>;
  // Of many, each grows for itself: none is held up for long by it.
  static constexpr std::size_t shards = 256;

  map& shard_of(std::string_view key) noexcept { return shards_[sdk::hash_bytes(key, shards) % shards]; }
  place& family_of(std::string_view key);
  place& alarm_at(std::int64_t deadline_ns);
  static void enter(place at, link entry::*where, place& first) noexcept;
  static void leave(place at, link entry::*where) noexcept;

  [[noreturn]] static void refuse_type(place at, std::string_view wanted);
  void need_room(std::size_t keys, std::size_t bytes);
  void drop(place at) noexcept;
  map::node_type take_out(place at) noexcept;
  void forget_if_empty(families::iterator family) noexcept;
  void schedule(place at, std::int64_t deadline_ns);

  const store_limits most_;
  std::array<map, shards> shards_;
  families families_;
  std::vector<std::string>
      perhaps_empty_;                     // families of what was removed, and may be put back until commit()
  std::map<std::int64_t, place> alarms_;  // by the second
  std::size_t size_ = 0, bytes_ = 0;
  std::int64_t now_ns_ = 0;
  bool can_undo_ = true;
  std::vector<std::function<void()>> undo_;
};

// The bytes of a value that counts as a whole.
std::size_t size_of(const store_value& value) noexcept;

}  // namespace postbus::memory
