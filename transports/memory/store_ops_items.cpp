// The ops on lists and hashes.
#include "store_ops.hpp"

#include <algorithm>
#include <memory>

namespace postbus::memory {
namespace {

constexpr const char* list_name = "a list";
constexpr const char* hash_name = "a hash";

store_list& list_of(store_table::place at) { return std::get<store_list>(at->second.value); }
store_hash& hash_of(store_table::place at) { return std::get<store_hash>(at->second.value); }

std::ptrdiff_t size(std::string_view text) noexcept { return static_cast<std::ptrdiff_t>(text.size()); }

bool at_front(const postbus_op& op) noexcept { return (op.flags & POSTBUS_FRONT) != 0; }
// How many of `most` the op takes or shows.
std::ptrdiff_t at_most(const postbus_op& op, std::size_t most) noexcept {
  return static_cast<std::ptrdiff_t>(op.limit > 0 ? std::min(most, static_cast<std::size_t>(op.limit))
                                                  : most);
}
std::int64_t count(std::size_t n) noexcept { return static_cast<std::int64_t>(n); }

}  // namespace

// ---- lists

std::int32_t store_runner::list_push(const postbus_op& op, std::int64_t& n) {
  place at = t_.find_as<store_list>(sdk::view(op.key), list_name);
  const std::size_t length = at != nullptr ? list_of(at).size() : 0;
  n = count(length);
  if (past(op, length + 1)) return POSTBUS_E_FULL;
  if (at == nullptr) at = t_.create(sdk::view(op.key), store_list{});
  const std::string_view value = sdk::view(op.value);
  t_.resize(at, size(value));
  if (at_front(op)) list_of(at).emplace_front(value);
  else list_of(at).emplace_back(value);
  t_.on_undo([at, front = at_front(op)] { front ? list_of(at).pop_front() : list_of(at).pop_back(); });
  keep_for(at, op);
  ++n;
  return POSTBUS_OK;
}

std::int32_t store_runner::list_take(const postbus_op& op, std::size_t i, std::int64_t& n) {
  const place from = t_.find_as<store_list>(sdk::view(op.key), list_name);
  const bool moves = op.dest.len > 0;
  place to = moves ? t_.find_as<store_list>(sdk::view(op.dest), list_name) : nullptr;
  if (from == nullptr) return POSTBUS_OK;
  const std::ptrdiff_t some = at_most(op, list_of(from).size());
  std::ptrdiff_t bytes = 0;
  for (std::ptrdiff_t k = 0; k < some; ++k) {
    const std::string& value = list_of(from)[static_cast<std::size_t>(k)];
    r_.add(i, value);
    bytes += size(value);
  }
  t_.resize(from, -bytes);
  // Where they are while they are in neither list; also when both steps are undone, the last one first.
  const auto between = std::make_shared<store_list>();
  const auto take = [some, between](store_list& l, bool front) {
    const auto first = front ? l.begin() : l.end() - some;
    between->assign(std::move_iterator(first), std::move_iterator(first + some));
    l.erase(first, first + some);
  };
  const auto put = [between](store_list& l, bool front) {
    l.insert(front ? l.begin() : l.end(), std::move_iterator(between->begin()),
             std::move_iterator(between->end()));
  };
  take(list_of(from), true);
  t_.on_undo([put, from] { put(list_of(from), true); });
  if (moves) {
    if (to == nullptr) to = t_.create(sdk::view(op.dest), store_list{});
    t_.resize(to, bytes);
    put(list_of(to), at_front(op));
    t_.on_undo([take, to, front = at_front(op)] { take(list_of(to), front); });
    keep_for(to, op);
  }
  n = count(list_of(from).size());
  remove_if_empty(from);
  return POSTBUS_OK;
}

std::int32_t store_runner::list_range(const postbus_op& op, std::size_t i, std::int64_t& n) {
  const place at = t_.find_as<store_list>(sdk::view(op.key), list_name);
  if (at == nullptr) return POSTBUS_OK;
  const store_list& list = list_of(at);
  n = count(list.size());
  if (op.kind == POSTBUS_LIST_LEN) return POSTBUS_OK;
  const std::int64_t first =
      op.number >= 0 ? std::min(op.number, n) : std::max<std::int64_t>(n + op.number, 0);
  const auto begin = list.begin() + first;
  std::for_each(begin, begin + at_most(op, static_cast<std::size_t>(n - first)),
                [&](const std::string& value) { r_.add(i, value); });
  return POSTBUS_OK;
}

// ---- hashes

void store_runner::put_field(place at, std::string_view field, std::string text) {
  store_hash& hash = hash_of(at);
  if (const auto found = hash.find(field); found != hash.end()) {
    t_.resize(at, size(text) - size(found->second));
    found->second.swap(text);
    t_.on_undo(
        [at, name = std::string(field), old = std::move(text)] { hash_of(at).find(name)->second = old; });
    return;
  }
  t_.resize(at, size(field) + size(text));
  hash.emplace(field, std::move(text));
  t_.on_undo([at, name = std::string(field)] { hash_of(at).erase(name); });
}

void store_runner::erase_field(place at, std::string_view field) {
  store_hash& hash = hash_of(at);
  const auto found = hash.find(field);
  t_.resize(at, -size(found->first) - size(found->second));
  const auto node = std::make_shared<store_hash::node_type>(hash.extract(found));
  t_.on_undo([at, node] { hash_of(at).insert(std::move(*node)); });
}

std::int32_t store_runner::hash_set(const postbus_op& op, std::int64_t& n) {
  place at = t_.find_as<store_hash>(sdk::view(op.key), hash_name);
  const bool is_new = at == nullptr || !hash_of(at).contains(sdk::view(op.field));
  const std::size_t fields = at != nullptr ? hash_of(at).size() : 0;
  if (is_new && past(op, fields + 1)) return n = count(fields), std::int32_t{POSTBUS_E_FULL};
  if (at == nullptr) at = t_.create(sdk::view(op.key), store_hash{});
  put_field(at, sdk::view(op.field), value(op));
  keep_for(at, op);
  n = is_new ? 1 : 0;
  return POSTBUS_OK;
}

std::int32_t store_runner::hash_add(const postbus_op& op, std::int64_t& n) {
  std::int64_t total = op.number;
  if (const place at = t_.find_as<store_hash>(sdk::view(op.key), hash_name); at != nullptr)
    if (const auto found = hash_of(at).find(sdk::view(op.field)); found != hash_of(at).end())
      total = sum(found->second, op);
  const std::string text = std::to_string(total);
  postbus_op as_set = op;
  as_set.value = sdk::bytes(text);
  const std::int32_t status = hash_set(as_set, n);
  if (status == POSTBUS_OK) n = total;
  return status;
}

std::int32_t store_runner::hash_erase(const postbus_op& op, std::int64_t& n) {
  const place at = t_.find_as<store_hash>(sdk::view(op.key), hash_name);
  if (at == nullptr || !hash_of(at).contains(sdk::view(op.field))) return POSTBUS_OK;
  n = 1;
  erase_field(at, sdk::view(op.field));
  remove_if_empty(at);
  return POSTBUS_OK;
}

std::int32_t store_runner::hash_all(const postbus_op& op, std::size_t i, std::int64_t& n) {
  const place at = t_.find_as<store_hash>(sdk::view(op.key), hash_name);
  if (at == nullptr) return POSTBUS_OK;
  for (const auto& [field, text] : hash_of(at)) {
    r_.add(i, field);
    r_.add(i, text);
  }
  n = count(hash_of(at).size());
  return POSTBUS_OK;
}

std::int32_t store_runner::hash_take(const postbus_op& op, std::size_t i, std::int64_t& n) {
  if (op.field.len == 0) {
    hash_all(op, i, n);
    n = 0;
    if (const place all = t_.find(sdk::view(op.key)); all != nullptr) t_.remove(all);
    return POSTBUS_OK;
  }
  const place at = t_.find_as<store_hash>(sdk::view(op.key), hash_name);
  if (at == nullptr) return POSTBUS_OK;
  if (const auto found = hash_of(at).find(sdk::view(op.field)); found != hash_of(at).end()) {
    r_.add(i, found->second);
    erase_field(at, sdk::view(op.field));
  }
  n = count(hash_of(at).size());
  remove_if_empty(at);
  return POSTBUS_OK;
}

}  // namespace postbus::memory
