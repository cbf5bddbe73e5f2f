// The ops on sorted sets.
#include "store_ops.hpp"

#include <iterator>

namespace postbus::memory {
namespace {

constexpr const char* zset_name = "a sorted set";
constexpr std::ptrdiff_t score_size = sizeof(std::int64_t);

store_zset& zset_of(store_table::place at) { return std::get<store_zset>(at->second.value); }
std::ptrdiff_t size(std::string_view text) noexcept { return static_cast<std::ptrdiff_t>(text.size()); }
std::int64_t count(std::size_t n) noexcept { return static_cast<std::int64_t>(n); }

}  // namespace

void store_runner::put_member(place at, std::string_view member, std::int64_t score) {
  const auto found = zset_of(at).scores.find(member);
  if (found != zset_of(at).scores.end()) {
    t_.on_undo([at, name = std::string(member), old = found->second] { zset_of(at).put(name, old); });
  } else {
    t_.resize(at, size(member) + score_size);
    t_.on_undo([at, name = std::string(member)] { zset_of(at).erase(name); });
  }
  zset_of(at).put(member, score);
}

void store_runner::erase_member(place at, std::string_view member) {
  const auto found = zset_of(at).scores.find(member);
  t_.resize(at, -size(member) - score_size);
  t_.on_undo([at, name = std::string(member), old = found->second] { zset_of(at).put(name, old); });
  zset_of(at).erase(member);
}

std::int32_t store_runner::zset_put(const postbus_op& op, std::int64_t& n) {
  place at = t_.find_as<store_zset>(sdk::view(op.key), zset_name);
  const std::string_view member = sdk::view(op.value);
  const std::size_t members = at != nullptr ? zset_of(at).scores.size() : 0;
  if ((at == nullptr || !zset_of(at).scores.contains(member)) && past(op, members + 1))
    return n = count(members), std::int32_t{POSTBUS_E_FULL};
  if (at == nullptr) at = t_.create(sdk::view(op.key), store_zset{});
  put_member(at, member, n = number(op));
  keep_for(at, op);
  return POSTBUS_OK;
}

std::int32_t store_runner::zset_erase(const postbus_op& op, std::int64_t& n) {
  const place at = t_.find_as<store_zset>(sdk::view(op.key), zset_name);
  if (at == nullptr || !zset_of(at).scores.contains(sdk::view(op.value))) return POSTBUS_OK;
  n = 1;
  erase_member(at, sdk::view(op.value));
  remove_if_empty(at);
  return POSTBUS_OK;
}

std::int32_t store_runner::zset_show(const postbus_op& op, std::size_t i, std::int64_t& n) {
  const place at = t_.find_as<store_zset>(sdk::view(op.key), zset_name);
  if (at == nullptr) return POSTBUS_OK;
  const auto& order = zset_of(at).order;
  const bool front = (op.flags & POSTBUS_FRONT) != 0;
  const std::int64_t bound = number(op);
  auto begin = order.begin(), end = order.end();
  if (!front) begin = order.lower_bound({bound, {}});
  else if (bound < std::numeric_limits<std::int64_t>::max()) end = order.lower_bound({bound + 1, {}});
  if (op.kind == POSTBUS_ZSET_COUNT) return n = std::distance(begin, end), std::int32_t{POSTBUS_OK};
  std::vector<std::string> gone;
  for (std::int64_t shown = 0; begin != end && (op.limit == 0 || shown < op.limit); ++begin, ++shown) {
    r_.add(i, begin->second);
    r_.add(i, begin->first);
    if (op.kind == POSTBUS_ZSET_TAKE) gone.emplace_back(begin->second);
  }
  for (const std::string& member : gone) erase_member(at, member);
  n = count(zset_of(at).scores.size());
  remove_if_empty(at);
  return POSTBUS_OK;
}

}  // namespace postbus::memory
