// Order: what came is sorted into lanes by its key, and what may take others down runs alone.
#include "event/event_key.hpp"
#include "settlement_batch.hpp"
#include "subscription_state.hpp"

namespace postbus::detail {
namespace {

constexpr std::size_t sorted_at_once = 64;
constexpr std::uint32_t suspect =
    2;  // handlers started for it before, and none came to an end that settled it

}  // namespace

// With a key it is alone in its lane already.
bool subscription_state::runs_alone(const item& i) const noexcept {
  return i.attempt >= suspect && options.concurrency > 1 && order_.empty();
}

void subscription_state::sort(std::unique_lock<sdk::spin_mutex>& lock) {
  sorting_ = true;
  item* chain = unsorted_.first;
  std::size_t n = 0;
  for (item** end = &unsorted_.first; n < sorted_at_once && *end != nullptr; ++n) {
    item* i = *end;
    if (n + 1 == sorted_at_once || i->next == nullptr) {
      unsorted_.first = std::exchange(i->next, nullptr);
      if (unsorted_.first == nullptr) unsorted_.last = nullptr;
      ++n;
      break;
    }
    end = &i->next;
  }
  lock.unlock();

  batch done(*this);
  std::vector<std::pair<item*, std::string>> sorted;
  std::string buffer;
  while (chain != nullptr) {
    item& i = *std::exchange(chain, chain->next);
    i.next = nullptr;
    if (i.note != nullptr) sorted.emplace_back(&i, "");
    else if (decode(i, done)) sorted.emplace_back(&i, key_of(order_, *i.event, patterns_, buffer));
  }

  lock.lock();
  credits freed;
  queued_ -= n;
  for (auto& [i, key] : sorted) {
    if (i->note != nullptr || lanes_.join(*i, key)) append_ready(*i);
    else if (i->lane->second.rests) park(*i, freed);
  }
  sorting_ = false;
  if (unsorted_.first != nullptr) schedule();
  lock.unlock();
  give(freed, done);
  done.flush();
  lock.lock();
}

void subscription_state::leave_lane(item& i) {
  if (i.lane == nullptr) return;
  const std::lock_guard lock(mutex_);
  item* next = lanes_.leave(i);
  if (next == nullptr) return;
  unpark(*next);
  append_ready(*next);
}

}  // namespace postbus::detail
