// The ops on whole keys, on strings, and on windows.
#include "store_ops.hpp"

namespace postbus::memory {

std::int32_t store_runner::check(const postbus_op& op, std::int64_t& n) {
  if (op.field.len > 0) t_.find_as<store_hash>(sdk::view(op.key), "a hash");
  else if (op.value.len > 0) t_.find_as<store_zset>(sdk::view(op.key), "a sorted set");
  std::string digits;
  n = look(op, digits).there ? 1 : 0;
  return POSTBUS_OK;
}

std::int32_t store_runner::get(const postbus_op& op, std::size_t i, std::int64_t& n) {
  if (op.field.len > 0) t_.find_as<store_hash>(sdk::view(op.key), "a hash");
  else if (op.value.len > 0) t_.find_as<store_zset>(sdk::view(op.key), "a sorted set");
  else t_.find_as<std::string>(sdk::view(op.key), "a string");
  std::string digits;
  const subject s = look(op, digits);
  if (!s.there) return POSTBUS_OK;
  r_.add(i, s.text);
  if (!read_integer(s.text, n)) n = 0;
  return POSTBUS_OK;
}

std::int32_t store_runner::set(const postbus_op& op, std::int64_t& n) {
  std::string text = value(op);
  if ((op.flags & (POSTBUS_IF_AT_LEAST | POSTBUS_IF_AT_MOST | POSTBUS_STORE_TIME)) != 0) n = number(op);
  if (op.ttl_ns > 0) t_.expect_deadline(deadline_of(op));
  place at = t_.find(sdk::view(op.key));
  if (at == nullptr) at = t_.create(sdk::view(op.key), std::move(text));
  else t_.replace(at, std::move(text));
  if (op.ttl_ns == 0) t_.set_deadline(at, 0);
  keep_for(at, op);
  return POSTBUS_OK;
}

std::int32_t store_runner::erase(const postbus_op& op, std::int64_t& n) {
  const place at = t_.find(sdk::view(op.key));
  if (at == nullptr) return POSTBUS_OK;
  n = 1;
  t_.remove(at);
  return POSTBUS_OK;
}

std::int32_t store_runner::add(const postbus_op& op, std::int64_t& n) {
  place at = t_.find_as<std::string>(sdk::view(op.key), "a string");
  n = at == nullptr ? op.number : sum(std::get<std::string>(at->second.value), op);
  if (at == nullptr) at = t_.create(sdk::view(op.key), std::to_string(n));
  else t_.replace(at, std::to_string(n));
  keep_for(at, op);
  return POSTBUS_OK;
}

std::int32_t store_runner::expire(const postbus_op& op, std::int64_t& n) {
  const place at = t_.find(sdk::view(op.key));
  if (at == nullptr) return POSTBUS_OK;
  n = 1;
  if (op.ttl_ns == 0) t_.set_deadline(at, 0);
  keep_for(at, op);
  return POSTBUS_OK;
}

std::int32_t store_runner::scan(const postbus_op& op, std::size_t i, std::int64_t& n) {
  const std::string_view prefix = sdk::view(op.key), cursor = sdk::view(op.field);
  // One more than are wanted: then there is a next page.
  auto keys = t_.keys(prefix, cursor, op.limit > 0 ? static_cast<std::size_t>(op.limit) + 1 : 0);
  const bool is_all = !past(op, keys.size());
  if (!is_all) keys.pop_back();
  r_.add(i, is_all ? std::string_view() : keys.back());
  for (const std::string_view key : keys) r_.add(i, key);
  n = static_cast<std::int64_t>(keys.size());
  return POSTBUS_OK;
}

std::int32_t store_runner::window(const postbus_op& op, std::int64_t& n) {
  constexpr std::ptrdiff_t hit_size = sizeof(store_window::hit);
  place at = t_.find_as<store_window>(sdk::view(op.key), "a window");
  const std::int64_t now = t_.now_ns();
  std::int64_t taken = 0;
  std::size_t old = 0;  // hits that are out of the window
  if (at != nullptr)
    for (const auto& h : std::get<store_window>(at->second.value).hits) {
      if (now - h.at_ns >= op.ttl_ns) ++old;
      else taken += h.n;
    }
  if (taken > op.limit - op.number) {
    const auto& hits = std::get<store_window>(at->second.value).hits;
    std::int64_t too_many = taken - (op.limit - op.number);
    for (std::size_t k = old; k < hits.size() && too_many > 0; ++k) {
      too_many -= hits[k].n;
      n = hits[k].at_ns + op.ttl_ns - now;
    }
    return POSTBUS_E_FULL;
  }
  if (at == nullptr) at = t_.create(sdk::view(op.key), store_window{});
  auto& hits = std::get<store_window>(at->second.value).hits;
  t_.resize(at, hit_size * (1 - static_cast<std::ptrdiff_t>(old)));
  const auto first = hits.begin() + static_cast<std::ptrdiff_t>(old);
  std::vector<store_window::hit> gone(hits.begin(), first);
  hits.erase(hits.begin(), first);
  hits.push_back({now, op.number});
  t_.on_undo([at, gone = std::move(gone)] {
    auto& all = std::get<store_window>(at->second.value).hits;
    all.pop_back();
    all.insert(all.begin(), gone.begin(), gone.end());
  });
  keep_for(at, op);
  n = op.limit - op.number - taken;
  return POSTBUS_OK;
}

}  // namespace postbus::memory
