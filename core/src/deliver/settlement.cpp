// The way out of a subscription: a delivery is acked, waits for its retry, is given up, or goes back.
#include "settlement_batch.hpp"
#include "subscription_state.hpp"

#include <cmath>

namespace postbus::detail {
namespace {

constexpr std::size_t waiting_max_uncredited = 10'000;  // retries that wait without holding a credit

}  // namespace

void subscription_state::settle(item& i, const verdict& v, batch& done) {
  switch (v.what) {
    case verdict::ack:
      counts_.acked.fetch_add(1, std::memory_order_relaxed);
      return finish(i, POSTBUS_ACK, done);
    case verdict::drop:
      counts_.dropped.fetch_add(1, std::memory_order_relaxed);
      return finish(i, POSTBUS_ACK, done);
    case verdict::retry:
      counts_.retried.fetch_add(1, std::memory_order_relaxed);
      if (i.attempt < options.max_deliveries) return wait_for_retry(i, v.after, done);
      [[fallthrough]];
    case verdict::dead:
      // Until there are dead-letter boxes: counted, said, and dropped.
      counts_.dead.fetch_add(1, std::memory_order_relaxed);
      owner.log->burst(POSTBUS_LOG_ERROR, "bus", "dead " + pattern,
                       "event " + std::string(i.event != nullptr ? sdk::view(i.event->id) : "?") + " on '" +
                           std::string(i.event != nullptr ? sdk::view(i.event->topic) : i.topic) +
                           "' is given up by '" + pattern + "' after " + std::to_string(i.attempt) +
                           (i.attempt == 1 ? " delivery: " : " deliveries: ") + v.reason);
      return finish(i, POSTBUS_ACK, done);
  }
}

void subscription_state::took_along(item& i) {
  const std::lock_guard lock(mutex_);
  deferred_.add(i);
}

void subscription_state::answered(item& i) {
  const std::lock_guard lock(mutex_);
  deferred_.remove(i);
}

void subscription_state::settle_deferred(item& i, const verdict& v) {
  const auto alive = shared_from_this();
  answered(i);
  batch done(*this);
  if (v.what != verdict::retry) return settle(i, v, done);
  // The handler that took the settlement along may still run on this item: the retry goes on with one of its own.
  item* again = item::make();
  again->subscription = this;
  again->from = i.from;
  again->event = event_record::of(i.event).keep();
  again->position = i.position;
  again->token = i.token;
  again->attempt = i.attempt;
  again->credited = i.credited;
  i.release();
  settle(*again, v, done);
}

void subscription_state::give_back_deferred(item& i) {
  const auto alive = shared_from_this();
  answered(i);
  batch done(*this);
  give_back(i, done);
}

void subscription_state::finish(item& i, std::uint32_t what, batch& done) {
  done.settle(i, what);
  if (i.credited) done.credit(i);
  ++done.ended;
  i.release();
}

void subscription_state::give_back(item& i, batch& done) {
  counts_.given_back.fetch_add(1, std::memory_order_relaxed);
  finish(i, POSTBUS_RELEASE, done);
}

void subscription_state::wait_for_retry(item& i, std::optional<std::chrono::nanoseconds> after, batch& done) {
  if (!after) {
    const double most = std::min(static_cast<double>(options.backoff.first.count()) *
                                     std::pow(options.backoff.factor, static_cast<double>(i.attempt) - 1),
                                 static_cast<double>(options.backoff.max.count()));
    const double uniform = static_cast<double>(owner.rt->random() >> 11) * 0x1p-53;
    after = std::chrono::nanoseconds(static_cast<std::int64_t>(most * uniform));
  }
  done.settle(i, POSTBUS_FAILED, after->count());
  std::unique_lock lock(mutex_);
  if (closed.load(std::memory_order_acquire)) {
    lock.unlock();
    return give_back(i, done);
  }
  // Later deliveries go on meanwhile: they need the credit more.
  if (i.credited && waiting_.size() < waiting_max_uncredited) {
    i.credited = false;
    done.credit(i);
  }
  waiting_.add(i);
  i.timer = owner.rt->timer(after->count(), {&retry_due, &i});
}

void subscription_state::retry_due(void* ctx, std::int32_t, const void*, const postbus_error*) {
  item& i = *static_cast<item*>(ctx);
  const auto alive = i.subscription->shared_from_this();
  subscription_state& s = *alive;
  {
    const std::lock_guard lock(s.mutex_);
    s.waiting_.remove(i);
  }
  if (!s.closed.load(std::memory_order_acquire)) return s.enqueue(&i, &i, 1);
  batch done(s);
  s.give_back(i, done);
}

void subscription_state::give_back_unstarted() {
  item* chain = nullptr;
  std::vector<runtime::timer_id> timers;
  {
    const std::lock_guard lock(mutex_);
    chain = std::exchange(first_, nullptr);
    last_ = nullptr;
    queued_ = 0;
    for (item* i = waiting_.first(); i != nullptr; i = waiting_.after(*i)) timers.push_back(i->timer);
  }
  // A timer's done is what owns its item: it gives the item back, now or already.
  for (const auto timer : timers) owner.rt->cancel(timer);
  batch done(*this);
  while (chain != nullptr) give_back(*std::exchange(chain, chain->next), done);
}

void subscription_state::when_empty(std::function<void()> f) {
  {
    const std::lock_guard lock(mutex_);
    when_empty_ = std::move(f);
  }
  check_empty();
}

void subscription_state::check_empty() {
  if (!closed.load(std::memory_order_acquire)) return;
  std::function<void()> f;
  {
    const std::lock_guard lock(mutex_);
    if (open_.load() == 0 && active_ == 0) f = std::exchange(when_empty_, nullptr);
  }
  if (f) f();
}

void subscription_state::give_credit(attachment& to, std::uint32_t n) {
  if (closed.load(std::memory_order_acquire)) return;
  if (!to.is_connected.load(std::memory_order_acquire)) {
    const std::lock_guard lock(mutex_);
    if (!to.is_connected.load(std::memory_order_relaxed)) {
      to.credit_held += n;
      return;
    }
  }
  const passage inside(owner.threads.mine());
  to.to.table->credit(to.to.self, to.handle, n);
}

}  // namespace postbus::detail
