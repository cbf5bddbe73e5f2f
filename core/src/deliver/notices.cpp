// What a subscription is told besides its deliveries, in order with them; and what it discards, on a transport without flow control.
#include "settlement_batch.hpp"
#include "subscription_state.hpp"

namespace postbus::detail {

void subscription_state::tell(const notice& n) {
  if (!options.on_notice) return;
  item* i = item::make();
  i->subscription = this;
  i->from = attachments.front().get();
  i->credited = false;
  i->note = std::make_unique<notice>(n);
  const std::lock_guard lock(mutex_);
  if (closed.load(std::memory_order_acquire)) return i->release();
  enqueue(i, i, 1);
}

void subscription_state::tell_now(item& i) noexcept {
  try {
    options.on_notice(*i.note);
  } catch (const std::exception& e) {
    owner.log->burst(POSTBUS_LOG_ERROR, "bus", "on_notice " + pattern,
                     "on_notice of '" + pattern + "' threw: " + e.what());
  } catch (...) {
    owner.log->burst(POSTBUS_LOG_ERROR, "bus", "on_notice " + pattern,
                     "on_notice of '" + pattern + "' threw something that is no std::exception");
  }
  i.release();
}

item* subscription_state::buffer(item* first) {
  const bool keeps_old = options.overflow == overflow_policy::discard_newest;
  const auto is_beyond = [&](std::uint64_t more) {
    return buffered_.events + (more > 0) > options.overflow_max.events ||
           buffered_.bytes + more > options.overflow_max.bytes;
  };
  item_chain gone;
  for (item* next = first; next != nullptr;) {
    item& i = *std::exchange(next, next->next);
    i.next = nullptr;
    const std::uint64_t size = 1 + bytes_of(i);
    if (keeps_old && is_beyond(size)) {
      gone.add(&i, &i);
      continue;
    }
    i.buffered = size;
    ++buffered_.events;
    buffered_.bytes += size;
    (order_.empty() ? ready_ : unsorted_).add(&i, &i);
    ++queued_;
  }
  item_chain& from = order_.empty() ? ready_ : unsorted_;
  for (item *before = nullptr, *next = from.first; next != nullptr && is_beyond(0);) {
    item& i = *std::exchange(next, next->next);
    if (i.buffered == 0) {  // a notice, or a retry
      before = &i;
      continue;
    }
    (before != nullptr ? before->next : from.first) = next;
    if (next == nullptr) from.last = before;
    i.next = nullptr;
    unbuffer(i);
    --queued_;
    gone.add(&i, &i);
  }
  schedule();
  return gone.first;
}

void subscription_state::unbuffer(item& i) noexcept {
  if (i.buffered == 0) return;
  --buffered_.events;
  buffered_.bytes -= std::exchange(i.buffered, 0);
}

void subscription_state::discard(item* chain, attachment& from) {
  batch done(*this);
  std::uint64_t n = 0;
  for (; chain != nullptr; ++n) finish(*std::exchange(chain, chain->next), POSTBUS_ACK, done);
  counts_.discarded.fetch_add(n, std::memory_order_relaxed);
  owner.log->burst(POSTBUS_LOG_WARN, "bus", "overflow " + pattern,
                   "the subscription to '" + pattern + "' does not keep up with [" + from.to.path + "]: " +
                       std::to_string(n) + (n == 1 ? " event is discarded" : " events are discarded"));
  if (!options.on_notice) return;
  {
    const std::lock_guard lock(mutex_);
    if (overflow_note_ != nullptr) {
      overflow_note_->note->missed += n;
      return;
    }
  }
  item* i = item::make();
  i->subscription = this;
  i->from = &from;
  i->credited = false;
  i->note = std::make_unique<notice>(notice{notice::overflow, n, {}, {}, "does not keep up"});
  const std::lock_guard lock(mutex_);
  if (closed.load(std::memory_order_acquire)) return i->release();
  if (overflow_note_ == nullptr) overflow_note_ = i;
  enqueue(i, i, 1);
}

}  // namespace postbus::detail
