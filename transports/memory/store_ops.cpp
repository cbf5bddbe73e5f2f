#include "store_ops.hpp"

#include <algorithm>

namespace postbus::memory {
namespace {

constexpr std::uint32_t conditions =
    POSTBUS_IF_ABSENT | POSTBUS_IF_PRESENT | POSTBUS_IF_EQUAL | POSTBUS_IF_AT_LEAST | POSTBUS_IF_AT_MOST;
constexpr std::uint32_t stores_number = POSTBUS_IF_AT_LEAST | POSTBUS_IF_AT_MOST | POSTBUS_STORE_TIME;

bool reads_field(const postbus_op& op) {
  const bool reads = op.kind <= POSTBUS_GET ||
                     (op.kind >= POSTBUS_HASH_SET && op.kind <= POSTBUS_HASH_ERASE) ||
                     op.kind == POSTBUS_HASH_TAKE;
  return reads && op.field.len > 0;
}
bool reads_member(const postbus_op& op) {
  const bool reads = op.kind <= POSTBUS_GET || op.kind == POSTBUS_ZSET_PUT || op.kind == POSTBUS_ZSET_ERASE;
  return reads && op.value.len > 0;
}

std::int64_t add_up(std::int64_t a, std::int64_t b) noexcept {
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b > 0 ? std::numeric_limits<std::int64_t>::max() : std::numeric_limits<std::int64_t>::min();
}

}  // namespace

bool read_integer(std::string_view text, std::int64_t& to) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), to);
  return error == std::errc{} && end == text.data() + text.size();
}

void store_runner::run(std::span<const postbus_op> ops) {
  for (std::size_t i = 0; i < ops.size();) i = run_group(ops, i);
}

std::size_t store_runner::run_group(std::span<const postbus_op> all, std::size_t first) {
  std::size_t last = first + 1;
  if (all[first].group != 0)
    while (last < all.size() && all[last].group == all[first].group) ++last;
  const std::size_t noted = notes_.size();
  const bool fails_whole = all[first].kind == POSTBUS_SET || all[first].kind == POSTBUS_ERASE;
  t_.begin(last - first > 1 || !fails_whole);
  std::size_t i = first;
  try {
    i = failing(all, first, last);
    if (i == last) {
      for (i = first; i < last; ++i)
        if (r_[i].status = apply(all[i], i); r_[i].status != POSTBUS_OK) break;
      if (i == last) return t_.commit(), last;
    }
  } catch (const store_refusal& no) {
    r_.reset(i, no.status);
    r_.add(i, no.message);
  } catch (const std::bad_alloc&) {
    r_.reset(i, POSTBUS_E_NOMEM);
  }
  t_.undo();
  notes_.erase(notes_.begin() + static_cast<std::ptrdiff_t>(noted), notes_.end());
  for (std::size_t other = first; other < last; ++other)
    if (other != i) r_.reset(other, POSTBUS_E_CANCELLED);
  return last;
}

std::size_t store_runner::failing(std::span<const postbus_op> all, std::size_t first, std::size_t last) {
  std::string digits;
  for (std::size_t i = first; i < last; ++i) {
    if ((all[i].flags & conditions) == 0) continue;
    const subject s = look(all[i], digits);
    if (holds(all[i], s)) continue;
    r_.reset(i, POSTBUS_E_CONFLICT);
    if (s.has_text) r_.add(i, s.text);
    return i;
  }
  return last;
}

store_runner::subject store_runner::look(const postbus_op& op, std::string& digits) {
  const place at = t_.find(sdk::view(op.key));
  if (at == nullptr) return {};
  const store_value& v = at->second.value;
  if (reads_field(op)) {
    const auto* hash = std::get_if<store_hash>(&v);
    if (hash == nullptr) return {};
    const auto found = hash->find(sdk::view(op.field));
    return found == hash->end() ? subject{} : subject{true, true, found->second};
  }
  if (reads_member(op)) {
    const auto* zset = std::get_if<store_zset>(&v);
    if (zset == nullptr) return {};
    const auto found = zset->scores.find(sdk::view(op.value));
    if (found == zset->scores.end()) return {};
    digits = std::to_string(found->second);
    return {true, true, digits};
  }
  const auto* text = std::get_if<std::string>(&v);
  return text == nullptr ? subject{true, false, {}} : subject{true, true, *text};
}

bool store_runner::holds(const postbus_op& op, const subject& s) const {
  const auto asks = [&](std::uint32_t flag) { return (op.flags & flag) != 0; };
  if (asks(POSTBUS_IF_ABSENT) && !s.there) return true;
  if (asks(POSTBUS_IF_PRESENT) && s.there) return true;
  if (asks(POSTBUS_IF_EQUAL) && s.has_text && s.text == sdk::view(op.expect)) return true;
  if (asks(POSTBUS_IF_AT_LEAST) && !s.there) return true;
  std::int64_t stored = 0;
  if (!asks(POSTBUS_IF_AT_LEAST | POSTBUS_IF_AT_MOST) || !s.has_text || !read_integer(s.text, stored))
    return false;
  return (asks(POSTBUS_IF_AT_LEAST) && number(op) >= stored) ||
         (asks(POSTBUS_IF_AT_MOST) && number(op) <= stored);
}

std::int64_t store_runner::number(const postbus_op& op) const noexcept {
  return (op.flags & POSTBUS_STORE_TIME) != 0 ? add_up(wall_ns_, op.number) : op.number;
}

std::string store_runner::value(const postbus_op& op) const {
  return (op.flags & stores_number) != 0 ? std::to_string(number(op)) : std::string(sdk::view(op.value));
}

std::int64_t store_runner::deadline_of(const postbus_op& op) const noexcept {
  return add_up(t_.now_ns(), op.ttl_ns);
}

void store_runner::keep_for(place at, const postbus_op& op) {
  if (op.ttl_ns > 0) t_.set_deadline(at, deadline_of(op));
}

void store_runner::remove_if_empty(place at) {
  if (is_empty(at->second.value)) t_.remove(at);
}

std::int64_t store_runner::sum(std::string_view stored, const postbus_op& op) {
  std::int64_t total = 0;
  const std::string where = "'" + std::string(sdk::view(op.key)) + "'";
  if (!read_integer(stored, total))
    throw store_refusal{
        POSTBUS_E_INVALID,
        where + " holds what is no integer; wanted one to add to: store one, or use another key"};
  if (__builtin_add_overflow(total, op.number, &total))
    throw store_refusal{POSTBUS_E_INVALID, where + " holds " + std::string(stored) + "; wanted it with " +
                                               std::to_string(op.number) +
                                               " to be an integer of 64 bits: add less"};
  return total;
}

std::int32_t store_runner::apply(const postbus_op& op, std::size_t i) {
  std::int64_t& n = r_[i].number;
  switch (op.kind) {
    case POSTBUS_CHECK:
      return check(op, n);
    case POSTBUS_GET:
      return get(op, i, n);
    case POSTBUS_SET:
      return set(op, n);
    case POSTBUS_ERASE:
      return erase(op, n);
    case POSTBUS_ADD:
      return add(op, n);
    case POSTBUS_EXPIRE:
      return expire(op, n);
    case POSTBUS_LIST_PUSH:
      return list_push(op, n);
    case POSTBUS_LIST_TAKE:
      return list_take(op, i, n);
    case POSTBUS_LIST_RANGE:
      return list_range(op, i, n);
    case POSTBUS_LIST_LEN:
      return list_range(op, i, n);
    case POSTBUS_HASH_SET:
      return hash_set(op, n);
    case POSTBUS_HASH_ADD:
      return hash_add(op, n);
    case POSTBUS_HASH_ERASE:
      return hash_erase(op, n);
    case POSTBUS_HASH_ALL:
      return hash_all(op, i, n);
    case POSTBUS_HASH_TAKE:
      return hash_take(op, i, n);
    case POSTBUS_ZSET_PUT:
      return zset_put(op, n);
    case POSTBUS_ZSET_ERASE:
      return zset_erase(op, n);
    case POSTBUS_ZSET_RANGE:
    case POSTBUS_ZSET_TAKE:
    case POSTBUS_ZSET_COUNT:
      return zset_show(op, i, n);
    case POSTBUS_WINDOW:
      return window(op, n);
    case POSTBUS_SCAN:
      return scan(op, i, n);
    default:  // NOTIFY
      notes_.push_back({std::string(sdk::view(op.key)), std::string(sdk::view(op.value))});
      return POSTBUS_OK;
  }
}

}  // namespace postbus::memory
