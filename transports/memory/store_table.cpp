#include "store_table.hpp"

#include <postbus/plugin.h>

#include <algorithm>
#include <memory>

namespace postbus::memory {
namespace {

constexpr std::int64_t alarm_ns = 1'000'000'000;

std::string_view family_name(std::string_view key) noexcept {
  const std::size_t end = key.find(':');
  return end == key.npos ? std::string_view() : key.substr(0, end + 1);
}

}  // namespace

std::size_t size_of(const store_value& value) noexcept {
  const auto* text = std::get_if<std::string>(&value);
  return text != nullptr ? text->size() : 0;  // the others begin empty, and grow by resize()
}

// ---- lists

void store_table::enter(place at, link entry::*where, place& first) noexcept {
  link& l = at->second.*where;
  l = {&first, first};
  if (first != nullptr) (first->second.*where).from = &l.next;
  first = at;
}

void store_table::leave(place at, link entry::*where) noexcept {
  link& l = at->second.*where;
  *l.from = l.next;
  if (l.next != nullptr) (l.next->second.*where).from = l.from;
  l = {};
}

store_table::place& store_table::family_of(std::string_view key) {
  const std::string_view name = family_name(key);
  const auto found = families_.find(name);
  return found != families_.end() ? found->second : families_.emplace(name, nullptr).first->second;
}

store_table::place& store_table::alarm_at(std::int64_t deadline_ns) {
  return alarms_[deadline_ns / alarm_ns];
}

// ---- time

void store_table::set_time(std::int64_t now_ns, std::size_t most) {
  now_ns_ = now_ns;
  const std::int64_t second = now_ns / alarm_ns;
  while (!alarms_.empty() && alarms_.begin()->first < second) {
    place& first = alarms_.begin()->second;
    for (; first != nullptr; --most) {
      if (most == 0) return;
      drop(first);
    }
    alarms_.erase(alarms_.begin());
  }
  if (most < std::numeric_limits<std::size_t>::max() / 2 || alarms_.empty() ||
      alarms_.begin()->first > second)
    return;
  for (place at = alarms_.begin()->second; at != nullptr;) {
    const place next = at->second.alarm.next;
    if (expired(at->second)) drop(at);
    at = next;
  }
}

void store_table::schedule(place at, std::int64_t deadline_ns) {
  if (at->second.deadline_ns != 0) leave(at, &entry::alarm);
  at->second.deadline_ns = 0;
  if (deadline_ns != 0) enter(at, &entry::alarm, alarm_at(deadline_ns));
  at->second.deadline_ns = deadline_ns;
}

void store_table::expect_deadline(std::int64_t deadline_ns) { alarm_at(deadline_ns); }

void store_table::set_deadline(place at, std::int64_t deadline_ns) {
  const std::int64_t old = at->second.deadline_ns;
  if (old == deadline_ns) return;
  on_undo([this, at, old] { schedule(at, old); });
  schedule(at, deadline_ns);
}

// ---- looking

store_table::place store_table::find(std::string_view key) {
  map& all = shard_of(key);
  const auto found = all.find(key);
  if (found == all.end()) return nullptr;
  if (!expired(found->second)) return &*found;
  drop(&*found);
  return nullptr;
}

std::vector<std::string_view> store_table::keys(std::string_view prefix, std::string_view after,
                                                std::size_t most) const {
  std::vector<std::string_view> all;
  for (const auto& [name, first] : families_) {
    if (!name.starts_with(prefix) && !prefix.starts_with(name)) continue;
    for (place at = first; at != nullptr; at = at->second.family.next)
      if (at->first.starts_with(prefix) && (after.empty() || at->first > after) && !expired(at->second))
        all.push_back(at->first);
  }
  const std::size_t n = most == 0 ? all.size() : std::min(most, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n), all.end());
  all.resize(n);
  return all;
}

void store_table::refuse_type(place at, std::string_view wanted) {
  throw store_refusal{POSTBUS_E_INVALID,
                      "'" + at->first + "' holds " + std::string(type_name(at->second.value)) + "; wanted " +
                          std::string(wanted) + ": use another key, or erase this one first"};
}

// What has expired and was not seen to yet takes no room.
void store_table::need_room(std::size_t keys, std::size_t bytes) {
  const auto fits = [&] {
    return size_ + keys <= most_.keys_max && bytes <= most_.bytes_max && bytes_ <= most_.bytes_max - bytes;
  };
  if (!fits()) set_time(now_ns_, std::numeric_limits<std::size_t>::max());
  if (!fits())
    throw store_refusal{POSTBUS_E_FULL, "the store holds " + std::to_string(size_) + " keys and " +
                                            std::to_string(bytes_) +
                                            " bytes; wanted room for more: erase some, or raise keys_max or "
                                            "bytes_max"};
}

// ---- changes

store_table::place store_table::create(std::string_view key, store_value value) {
  const std::size_t size = size_of(value);
  need_room(1, key.size() + size);
  place& family = family_of(key);
  const place at = &*shard_of(key).try_emplace(std::string(key)).first;
  at->second.value = std::move(value);
  at->second.bytes = size;
  enter(at, &entry::family, family);
  ++size_;
  bytes_ += key.size() + size;
  on_undo([this, at] { drop(at); });
  return at;
}

void store_table::replace(place at, store_value value) {
  entry& e = at->second;
  const std::size_t size = size_of(value), old_size = e.bytes;
  if (size > old_size) need_room(0, size - old_size);
  if (can_undo_)
    on_undo([this, at, old_size, old = std::make_shared<store_value>(std::move(e.value))] {
      at->second.value = std::move(*old);
      bytes_ += old_size - at->second.bytes;
      at->second.bytes = old_size;
    });
  e.value = std::move(value);
  bytes_ += size - old_size;
  e.bytes = size;
}

store_table::map::node_type store_table::take_out(place at) noexcept {
  leave(at, &entry::family);
  --size_;
  bytes_ -= at->first.size() + at->second.bytes;
  map& all = shard_of(at->first);
  return all.extract(all.find(at->first));
}

void store_table::remove(place at) {
  set_deadline(at, 0);
  if (!can_undo_) return drop(at);
  if (at->second.family.next == nullptr) perhaps_empty_.emplace_back(family_name(at->first));
  on_undo([this, node = std::make_shared<map::node_type>(take_out(at))] {
    const place back = &*shard_of(node->key()).insert(std::move(*node)).position;
    enter(back, &entry::family, family_of(back->first));
    ++size_;
    bytes_ += back->first.size() + back->second.bytes;
  });
}

void store_table::resize(place at, std::ptrdiff_t change) {
  if (change > 0) need_room(0, static_cast<std::size_t>(change));
  on_undo([this, at, change] {
    bytes_ -= static_cast<std::size_t>(change);
    at->second.bytes -= static_cast<std::size_t>(change);
  });
  bytes_ += static_cast<std::size_t>(change);
  at->second.bytes += static_cast<std::size_t>(change);
}

void store_table::drop(place at) noexcept {
  if (at->second.deadline_ns != 0) leave(at, &entry::alarm);
  const bool may_be_last = at->second.family.next == nullptr;
  const auto family = may_be_last ? families_.find(family_name(at->first)) : families_.end();
  take_out(at);
  if (family != families_.end()) forget_if_empty(family);
}

// What keys begin with is up to those who use the store: a family goes with the last of it.
void store_table::forget_if_empty(families::iterator family) noexcept {
  if (family->second == nullptr) families_.erase(family);
}

void store_table::commit() noexcept {
  undo_.clear();
  for (const std::string& name : perhaps_empty_)
    if (const auto family = families_.find(name); family != families_.end()) forget_if_empty(family);
  perhaps_empty_.clear();
}

void store_table::undo() noexcept {
  for (; !undo_.empty(); undo_.pop_back()) undo_.back()();
  perhaps_empty_.clear();
}

}  // namespace postbus::memory
