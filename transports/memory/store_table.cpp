#include "store_table.hpp"

#include <postbus/plugin.h>

#include <memory>

namespace postbus::memory {

std::size_t size_of(const store_value& value) noexcept {
  const auto* text = std::get_if<std::string>(&value);
  return text != nullptr ? text->size() : 0;  // the others begin empty, and grow by resize()
}

void store_table::set_time(std::int64_t now_ns, std::size_t most) {
  now_ns_ = now_ns;
  for (; most > 0 && !deadlines_.empty() && deadlines_.begin()->first <= now_ns; --most)
    drop(deadlines_.begin()->second);
}

store_table::place store_table::find(std::string_view key) {
  const auto found = keys_.find(key);
  if (found == keys_.end()) return nullptr;
  if (!expired(found->second)) return &*found;
  drop(&*found);
  return nullptr;
}

void store_table::refuse_type(place at, std::string_view wanted) {
  throw store_refusal{POSTBUS_E_INVALID,
                      "'" + at->first + "' holds " + std::string(type_name(at->second.value)) + "; wanted " +
                          std::string(wanted) + ": use another key, or erase this one first"};
}

// What has expired and was not seen to yet takes no room.
void store_table::need_room(std::size_t keys, std::size_t bytes) {
  const auto fits = [&] {
    return keys_.size() + keys <= most_.keys_max && bytes <= most_.bytes_max &&
           bytes_ <= most_.bytes_max - bytes;
  };
  if (!fits()) set_time(now_ns_, std::numeric_limits<std::size_t>::max());
  if (!fits())
    throw store_refusal{POSTBUS_E_FULL, "the store holds " + std::to_string(keys_.size()) + " keys and " +
                                            std::to_string(bytes_) +
                                            " bytes; wanted room for more: erase some, or raise keys_max or "
                                            "bytes_max"};
}

store_table::place store_table::create(std::string_view key, store_value value) {
  const std::size_t size = size_of(value);
  need_room(1, key.size() + size);
  const place at = &*keys_.try_emplace(std::string(key)).first;
  at->second.value = std::move(value);
  at->second.bytes = size;
  bytes_ += key.size() + size;
  on_undo([this, at] { drop(at); });
  return at;
}

void store_table::replace(place at, store_value value) {
  entry& e = at->second;
  const std::size_t size = size_of(value), old_size = e.bytes;
  if (size > old_size) need_room(0, size - old_size);
  on_undo([this, at, old_size, old = std::make_shared<store_value>(std::move(e.value))] {
    at->second.value = std::move(*old);
    bytes_ += old_size - at->second.bytes;
    at->second.bytes = old_size;
  });
  e.value = std::move(value);
  bytes_ += size - old_size;
  e.bytes = size;
}

void store_table::remove(place at) {
  set_deadline(at, 0);
  bytes_ -= at->first.size() + at->second.bytes;
  on_undo([this, node = std::make_shared<map::node_type>(keys_.extract(keys_.find(at->first)))] {
    const place back = &*keys_.insert(std::move(*node)).position;
    bytes_ += back->first.size() + back->second.bytes;
  });
}

void store_table::schedule(place at, std::int64_t deadline_ns) {
  entry& e = at->second;
  if (e.deadline_ns != 0) deadlines_.erase(e.alarm);
  e.deadline_ns = 0;
  if (deadline_ns != 0) e.alarm = deadlines_.emplace(deadline_ns, at);
  e.deadline_ns = deadline_ns;
}

void store_table::set_deadline(place at, std::int64_t deadline_ns) {
  const std::int64_t old = at->second.deadline_ns;
  if (old == deadline_ns) return;
  on_undo([this, at, old] { schedule(at, old); });
  schedule(at, deadline_ns);
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
  if (at->second.deadline_ns != 0) deadlines_.erase(at->second.alarm);
  bytes_ -= at->first.size() + at->second.bytes;
  keys_.erase(keys_.find(at->first));
}

void store_table::undo() noexcept {
  for (; !undo_.empty(); undo_.pop_back()) undo_.back()();
}

}  // namespace postbus::memory
