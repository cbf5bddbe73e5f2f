// store_ops: what a store is to do, in words. plugin.h says what each kind of op does.
//
//   store_ops ops;
//   ops.set("lock:r", "me").if_absent().ttl(15s).in_group(1);
//   ops.add("fence:r", 1).in_group(1);
#pragma once

#include <postbus/sdk/abi.hpp>

#include <chrono>
#include <deque>
#include <vector>

namespace postbus::sdk {

class store_ops;

// The op that was added last; what is set here is of it alone.
class store_op {
 public:
  store_op(store_ops& ops, postbus_op& raw) noexcept : ops_(ops), raw_(raw) {}

  store_op& if_absent() noexcept { return flag(POSTBUS_IF_ABSENT); }
  store_op& if_present() noexcept { return flag(POSTBUS_IF_PRESENT); }
  store_op& if_equal(std::string_view expected);
  // What is stored is a number, not above / not below that of the op.
  store_op& if_at_least() noexcept { return flag(POSTBUS_IF_AT_LEAST); }
  store_op& if_at_most() noexcept { return flag(POSTBUS_IF_AT_MOST); }
  store_op& front() noexcept { return flag(POSTBUS_FRONT); }
  store_op& store_time() noexcept { return flag(POSTBUS_STORE_TIME); }
  store_op& number(std::int64_t n) noexcept { return raw_.number = n, *this; }
  store_op& limit(std::int64_t most) noexcept { return raw_.limit = most, *this; }
  store_op& ttl(std::chrono::nanoseconds time) noexcept { return raw_.ttl_ns = time.count(), *this; }
  store_op& in_group(std::uint32_t group) noexcept { return raw_.group = group, *this; }
  store_op& field(std::string_view name);
  store_op& member(std::string_view name);
  store_op& to(std::string_view dest);

 private:
  store_op& flag(std::uint32_t f) noexcept { return raw_.flags |= f, *this; }
  store_ops& ops_;
  postbus_op& raw_;
};

// A list of ops that owns their texts. A store_op is good until the next one is added.
class store_ops {
 public:
  store_op check(std::string_view key) { return add_op(POSTBUS_CHECK, key); }
  store_op get(std::string_view key, std::string_view field = {}) { return add_op(POSTBUS_GET, key, field); }
  store_op set(std::string_view key, std::string_view value) { return add_op(POSTBUS_SET, key, {}, value); }
  // With if_at_least(), if_at_most() or store_time().
  store_op set(std::string_view key, std::int64_t n) { return add_op(POSTBUS_SET, key).number(n); }
  store_op erase(std::string_view key) { return add_op(POSTBUS_ERASE, key); }
  store_op add(std::string_view key, std::int64_t n) { return add_op(POSTBUS_ADD, key).number(n); }
  store_op expire(std::string_view key, std::chrono::nanoseconds ttl) {
    return add_op(POSTBUS_EXPIRE, key).ttl(ttl);
  }
  store_op push(std::string_view key, std::string_view value) {
    return add_op(POSTBUS_LIST_PUSH, key, {}, value);
  }
  store_op take(std::string_view key) { return add_op(POSTBUS_LIST_TAKE, key); }
  store_op list(std::string_view key, std::int64_t from = 0) {
    return add_op(POSTBUS_LIST_RANGE, key).number(from);
  }
  store_op length(std::string_view key) { return add_op(POSTBUS_LIST_LEN, key); }
  store_op hash_set(std::string_view key, std::string_view field, std::string_view value) {
    return add_op(POSTBUS_HASH_SET, key, field, value);
  }
  store_op hash_set(std::string_view key, std::string_view field, std::int64_t n) {
    return add_op(POSTBUS_HASH_SET, key, field).number(n);
  }
  store_op hash_add(std::string_view key, std::string_view field, std::int64_t n) {
    return add_op(POSTBUS_HASH_ADD, key, field).number(n);
  }
  store_op hash_erase(std::string_view key, std::string_view field) {
    return add_op(POSTBUS_HASH_ERASE, key, field);
  }
  store_op hash_all(std::string_view key) { return add_op(POSTBUS_HASH_ALL, key); }
  store_op hash_take(std::string_view key, std::string_view field = {}) {
    return add_op(POSTBUS_HASH_TAKE, key, field);
  }
  store_op zset_put(std::string_view key, std::string_view member, std::int64_t score) {
    return add_op(POSTBUS_ZSET_PUT, key, {}, member).number(score);
  }
  store_op zset_erase(std::string_view key, std::string_view member) {
    return add_op(POSTBUS_ZSET_ERASE, key, {}, member);
  }
  // Scores from `score` up; with front(): up to `score`.
  store_op zset_range(std::string_view key, std::int64_t score) {
    return add_op(POSTBUS_ZSET_RANGE, key).number(score);
  }
  store_op zset_take(std::string_view key, std::int64_t score) {
    return add_op(POSTBUS_ZSET_TAKE, key).number(score);
  }
  store_op zset_count(std::string_view key, std::int64_t score) {
    return add_op(POSTBUS_ZSET_COUNT, key).number(score);
  }
  store_op window(std::string_view key, std::int64_t most, std::chrono::nanoseconds in, std::int64_t n = 1) {
    return add_op(POSTBUS_WINDOW, key).number(n).limit(most).ttl(in);
  }
  store_op scan(std::string_view prefix, std::string_view cursor, std::int64_t limit) {
    return add_op(POSTBUS_SCAN, prefix, cursor).limit(limit);
  }
  store_op notify(std::string_view key, std::string_view note = {}) {
    return add_op(POSTBUS_NOTIFY, key, {}, note);
  }

  std::span<const postbus_op> all() const noexcept { return ops_; }
  bool empty() const noexcept { return ops_.empty(); }
  // A copy that lives as long as this.
  std::string_view own(std::string_view text) {
    return text.empty() ? std::string_view{} : std::string_view(texts_.emplace_back(text));
  }

 private:
  store_op add_op(std::uint32_t kind, std::string_view key, std::string_view field = {},
                  std::string_view value = {}) {
    postbus_op raw{};
    raw.kind = kind;
    raw.key = str(own(key));
    raw.field = str(own(field));
    raw.value = bytes(own(value));
    ops_.push_back(raw);
    return {*this, ops_.back()};
  }
  std::vector<postbus_op> ops_;
  std::deque<std::string> texts_;  // which stay where they are
};

inline store_op& store_op::if_equal(std::string_view expected) {
  raw_.expect = bytes(ops_.own(expected));
  return flag(POSTBUS_IF_EQUAL);
}
inline store_op& store_op::field(std::string_view name) { return raw_.field = str(ops_.own(name)), *this; }
inline store_op& store_op::member(std::string_view name) { return raw_.value = bytes(ops_.own(name)), *this; }
inline store_op& store_op::to(std::string_view dest) { return raw_.dest = str(ops_.own(dest)), *this; }

}  // namespace postbus::sdk
