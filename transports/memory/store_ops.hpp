// store_runner: carries out ops on a table, group by group. Not for several threads at a time.
#pragma once

#include "store_reply.hpp"
#include "store_table.hpp"
#include "watches.hpp"

#include <postbus/plugin.h>

namespace postbus::memory {

class store_runner {
 public:
  // `now_ns` is the time of expiry, `wall_ns` that of STORE_TIME. What NOTIFY says is added to `notes`.
  store_runner(store_table& table, std::int64_t wall_ns, store_reply& reply, std::vector<note>& notes)
      : t_(table), wall_ns_(wall_ns), r_(reply), notes_(notes) {}

  // Of ops that check_ops() let pass.
  void run(std::span<const postbus_op> ops);

 private:
  using place = store_table::place;
  // What a condition is about.
  struct subject {
    bool there = false, has_text = false;
    std::string_view text{};
  };

  // The group of `all` that begins at `first`; returns its end.
  std::size_t run_group(std::span<const postbus_op> all, std::size_t first);
  // The first op from `first` to `last` whose condition does not hold, with its answer; or `last`.
  std::size_t failing(std::span<const postbus_op> all, std::size_t first, std::size_t last);
  // Its text is the table's, or is put into `digits`.
  subject look(const postbus_op& op, std::string& digits);
  bool holds(const postbus_op& op, const subject& s) const;
  // Does it. What it returns, or throws, that is not OK undoes the group.
  std::int32_t apply(const postbus_op& op, std::size_t i);

  // `number`, or what it is by the store's clock.
  std::int64_t number(const postbus_op& op) const noexcept;
  // What SET and HASH_SET store: value, or number in decimal.
  std::string value(const postbus_op& op) const;
  std::int64_t deadline_of(const postbus_op& op) const noexcept;
  void keep_for(place at, const postbus_op& op);
  // Of what is stored and `number`; throws store_refusal where there is none.
  static std::int64_t sum(std::string_view stored, const postbus_op& op);
  static bool past(const postbus_op& op, std::size_t size) noexcept {
    return op.limit > 0 && size > static_cast<std::size_t>(op.limit);
  }
  // Only what is not empty is a list, a hash, a sorted set.
  void remove_if_empty(place at);
  // One item of a hash or a sorted set.
  void put_field(place at, std::string_view field, std::string text);
  void erase_field(place at, std::string_view field);
  void put_member(place at, std::string_view member, std::int64_t score);
  void erase_member(place at, std::string_view member);

  // `n` is the number of the answer.
  std::int32_t check(const postbus_op& op, std::int64_t& n);
  std::int32_t get(const postbus_op& op, std::size_t i, std::int64_t& n);
  std::int32_t set(const postbus_op& op, std::int64_t& n);
  std::int32_t erase(const postbus_op& op, std::int64_t& n);
  std::int32_t add(const postbus_op& op, std::int64_t& n);
  std::int32_t expire(const postbus_op& op, std::int64_t& n);
  std::int32_t scan(const postbus_op& op, std::size_t i, std::int64_t& n);
  std::int32_t window(const postbus_op& op, std::int64_t& n);
  std::int32_t list_push(const postbus_op& op, std::int64_t& n);
  std::int32_t list_take(const postbus_op& op, std::size_t i, std::int64_t& n);
  std::int32_t list_range(const postbus_op& op, std::size_t i, std::int64_t& n);
  std::int32_t hash_set(const postbus_op& op, std::int64_t& n);
  std::int32_t hash_add(const postbus_op& op, std::int64_t& n);
  std::int32_t hash_erase(const postbus_op& op, std::int64_t& n);
  std::int32_t hash_all(const postbus_op& op, std::size_t i, std::int64_t& n);
  std::int32_t hash_take(const postbus_op& op, std::size_t i, std::int64_t& n);
  std::int32_t zset_put(const postbus_op& op, std::int64_t& n);
  std::int32_t zset_erase(const postbus_op& op, std::int64_t& n);
  std::int32_t zset_show(const postbus_op& op, std::size_t i, std::int64_t& n);

  store_table& t_;
  const std::int64_t wall_ns_;
  store_reply& r_;
  std::vector<note>& notes_;
};

// The whole text as an integer.
bool read_integer(std::string_view text, std::int64_t& to) noexcept;

}  // namespace postbus::memory
