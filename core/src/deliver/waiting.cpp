// Waiting for a retry. What waits is parked: it gives its credit back, so that others go on meanwhile, as far as park_max allows.
#include "settlement_batch.hpp"
#include "subscription_state.hpp"

#include <cmath>

namespace postbus::detail {

std::uint64_t subscription_state::bytes_of(const item& i) noexcept {
  return i.event != nullptr ? i.event->data.len : i.wire.bytes.len;
}

void subscription_state::park(item& i, credits& freed) {
  const std::uint64_t bytes = bytes_of(i);
  if (parked_.events >= options.park_max.events || parked_.bytes + bytes > options.park_max.bytes) {
    parked_.full = true;
    return;
  }
  i.parked = true;
  ++parked_.events;
  parked_.bytes += bytes;
  if (std::exchange(i.credited, false)) freed.push_back(i.from);
}

void subscription_state::unpark(item& i) noexcept {
  if (!std::exchange(i.parked, false)) return;
  --parked_.events;
  parked_.bytes -= bytes_of(i);
  parked_.full = false;
}

void subscription_state::give(const credits& freed, batch& done) {
  for (attachment* a : freed) done.credit(*a);
}

void subscription_state::wait_for_retry(item& i, std::optional<std::chrono::nanoseconds> after, batch& done) {
  if (!after) {
    const double most = std::min(static_cast<double>(options.backoff.first.count()) *
                                     std::pow(options.backoff.factor, static_cast<double>(i.attempt) - 1),
                                 static_cast<double>(options.backoff.max.count()));
    const double uniform = static_cast<double>(owner.rt->random() >> 11) * 0x1p-53;
    after = std::chrono::nanoseconds(static_cast<std::int64_t>(most * uniform));
  }
  if (i.from->held != nullptr) i.from->held->rest(i);
  i.passage = item::passage_state::to_ask;
  done.settle(i, POSTBUS_FAILED, after->count());
  // At once: an unsubscribe may give it back from here on, and that must not overtake the attempt.
  done.send();
  credits freed;
  {
    std::unique_lock lock(mutex_);
    if (closed.load(std::memory_order_acquire)) {
      lock.unlock();
      return give_back(i, done);
    }
    park(i, freed);
    if (i.lane != nullptr) {
      lane& l = i.lane->second;
      l.rests = true;
      for (item* behind = l.first; behind != nullptr; behind = behind->next)
        if (!behind->parked) park(*behind, freed);
    }
    waiting_.add(i);
    i.timer = owner.rt->timer(after->count(), {&retry_due, &i});
  }
  give(freed, done);
}

void subscription_state::retry_due(void* ctx, std::int32_t, const void*, const postbus_error*) {
  item& i = *static_cast<item*>(ctx);
  const auto alive = i.subscription->shared_from_this();
  subscription_state& s = *alive;
  {
    const std::lock_guard lock(s.mutex_);
    s.waiting_.remove(i);
    s.unpark(i);
    if (i.lane != nullptr) i.lane->second.rests = false;
    if (!s.closed.load(std::memory_order_acquire)) return s.append_ready(i);
  }
  batch done(s);
  s.give_back(i, done);
}

}  // namespace postbus::detail
