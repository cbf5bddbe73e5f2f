#include "watches.hpp"

namespace postbus::memory {

std::uint64_t watches::insert(std::string_view prefix, const sdk::watcher& who, const sdk::context* owner) {
  const std::lock_guard lock(mutex_);
  watches_.emplace(++ids_, watch{std::string(prefix), who, owner, told_ + notes_.size()});
  return ids_;
}

void watches::erase(std::uint64_t id, const sdk::context* owner, sdk::completion<>&& done) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = watches_.find(id);
    if (found == watches_.end() || found->second.owner != owner)
      throw sdk::failure(POSTBUS_E_INVALID, "found no watch " + std::to_string(id) +
                                                "; wanted one that watch() gave and unwatch() did not end");
    watches_.erase(found);
    if (called_ == id) return after_call_.push_back(std::move(done));
  }
  done.ok();
}

void watches::erase_all(const sdk::context* owner, sdk::completion<>&& done) {
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(watches_, [&](const auto& w) { return w.second.owner == owner; });
    if (called_owner_ == owner) return after_call_.push_back(std::move(done));
  }
  done.ok();
}

bool watches::add(std::vector<note>&& notes) {
  const std::lock_guard lock(mutex_);
  if (watches_.empty()) return false;
  for (note& n : notes) notes_.push_back(std::move(n));
  return !notes_.empty() && !std::exchange(telling_, true);
}

std::map<std::uint64_t, watches::watch>::const_iterator watches::next(std::uint64_t id) const {
  auto at = watches_.upper_bound(id);
  while (at != watches_.end() &&
         (at->second.since > told_ || !notes_.front().key.starts_with(at->second.prefix)))
    ++at;
  return at;
}

void watches::tell() noexcept {
  std::unique_lock lock(mutex_);
  for (std::uint64_t last = 0; !notes_.empty();) {
    const auto to = next(last);
    if (to == watches_.end()) {
      notes_.pop_front();
      ++told_;
      last = 0;
      continue;
    }
    last = called_ = to->first;
    called_owner_ = to->second.owner;
    const sdk::watcher who = to->second.who;
    const note& one = notes_.front();  // which others only add behind
    lock.unlock();
    who.changed(one.key, one.text);
    lock.lock();
    called_ = 0;
    called_owner_ = nullptr;
    if (after_call_.empty()) continue;
    auto waiting = std::exchange(after_call_, {});
    lock.unlock();
    for (auto& done : waiting) done.ok();
    lock.lock();
  }
  telling_ = false;
}

std::size_t watches::size() const {
  const std::lock_guard lock(mutex_);
  return watches_.size();
}

}  // namespace postbus::memory
