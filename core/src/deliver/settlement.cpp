// The way out of a subscription: a delivery is acked, waits for its retry, is given up, or goes back.
#include "engine/completion.hpp"
#include "settlement_batch.hpp"
#include "subscription_state.hpp"

namespace postbus::detail {

void subscription_state::settle(item& i, const verdict& v, batch& done) {
  if (i.marks.passed != 0) [[unlikely]]
    return done.tell_first(i, v);
  settle_now(i, v, done);
}

void subscription_state::settle_now(item& i, const verdict& v, batch& done) {
  switch (v.what) {
    case verdict::ack:
      counts_.acked.fetch_add(1, std::memory_order_relaxed);
      return finish(i, POSTBUS_ACK, done);
    case verdict::drop:
      counts_.dropped.fetch_add(1, std::memory_order_relaxed);
      return finish(i, POSTBUS_ACK, done);
    case verdict::expired:
      counts_.expired.fetch_add(1, std::memory_order_relaxed);
      return finish(i, POSTBUS_ACK, done);
    case verdict::retry:
      counts_.retried.fetch_add(1, std::memory_order_relaxed);
      if (i.attempt < options.max_deliveries) return wait_for_retry(i, v.after, done);
      return give_up(i, "max_deliveries", v.reason, done);
    case verdict::dead:
      return give_up(i, "rejected", v.reason, done);
    case verdict::undecodable:
      return give_up(i, "undecodable", v.reason, done);
    case verdict::release:
      counts_.given_back.fetch_add(1, std::memory_order_relaxed);
      return finish(i, POSTBUS_RELEASE, done);
  }
}

void subscription_state::ended(item& i, const verdict& v, batch& done) {
  if (i.deferred || !in_time(i)) return i.release();
  if (v.what != verdict::retry) return settle(i, v, done);
  // The next attempt needs an item of its own: this one was perhaps asked to stop, and who takes it from its handler may still look at it.
  item& again = go_on_without(i);
  i.release();
  settle(again, v, done);
}

void subscription_state::took_along(item& i) {
  const std::lock_guard lock(mutex_);
  if (i.lost)
    return i.release();  // the delivery goes on without it: the runner and the settlement hold what they use
  i.is_taken = true;
  deferred_.add(i);
}

void subscription_state::answered(item& i) {
  const std::lock_guard lock(mutex_);
  if (std::exchange(i.is_taken, false)) deferred_.remove(i);
}

void subscription_state::settle_deferred(item& i, const verdict& v) {
  const auto alive = shared_from_this();
  answered(i);
  if (i.time_limit != 0) owner.rt->cancel(i.time_limit);
  batch done(*this);
  if (v.what != verdict::retry) return settle(i, v, done);
  // The handler that took the settlement along may still run on this item: the retry goes on with one of its own.
  item& again = go_on_without(i);
  i.release();
  settle(again, v, done);
}

void subscription_state::give_back_deferred(item& i) {
  const auto alive = shared_from_this();
  answered(i);
  if (i.time_limit != 0) owner.rt->cancel(i.time_limit);
  batch done(*this);
  give_back(i, done);
}

void subscription_state::finish(item& i, std::uint32_t what, batch& done) {
  const bool is_held = i.from->held == nullptr || i.from->held->end(i);
  if (i.confirm != nullptr) [[unlikely]]
    confirm(i, is_held, what, done);
  else if (is_held) done.settle(i, what);
  if (i.credited) done.credit(*i.from);
  ++done.ended;
  leave_lane(i);
  i.release();
}

void subscription_state::confirm(item& i, bool is_held, std::uint32_t what, batch& done) {
  if (what != POSTBUS_ACK) return confirmed(i, make_error_code(error::refused));
  if (!is_held) return confirmed(i, make_error_code(error::lease_lost));
  if (i.token == 0 || (i.from->to.can & POSTBUS_CAN_ACK) == 0) return confirmed(i, {});
  struct asked {
    std::shared_ptr<engine> owner;
    std::unique_ptr<confirmation> whom;
  };
  const auto answered = [](void* ctx, std::int32_t status, const void*, const postbus_error*) {
    const std::unique_ptr<asked> a(static_cast<asked*>(ctx));
    post_completion(
        *a->owner, std::move(*a->whom),
        status == POSTBUS_E_CONFLICT ? make_error_code(error::lease_lost) : to_error_code(status));
  };
  done.settle_alone(i, what, {answered, new asked{owner.shared_from_this(), std::move(i.confirm)}});
}

void subscription_state::confirmed(item& i, error_code ec) {
  if (auto whom = std::move(i.confirm)) post_completion(owner, std::move(*whom), ec);
}

void subscription_state::give_back(item& i, batch& done) {
  if (i.note != nullptr) return i.release();
  settle(i, {verdict::release, {}, {}}, done);
}

void subscription_state::give_back_unstarted() {
  item_chain unstarted;
  item* standing = nullptr;
  std::vector<runtime::timer_id> timers;
  {
    const std::lock_guard lock(mutex_);
    item_chain held;  // give_back_aside() sees to them
    for (item_chain* c : {&ready_, &unsorted_})
      while (c->first != nullptr) {
        item& i = c->pop();
        unbuffer(i);
        (i.passage == item::passage_state::held ? held : unstarted).add(&i, &i);
        --queued_;
      }
    ready_ = held;
    for (item* i = held.first; i != nullptr; i = i->next) ++queued_;
    overflow_note_ = nullptr;
    standing = lanes_.take_standing();
    for (item* i = waiting_.first(); i != nullptr; i = waiting_.after(*i)) timers.push_back(i->timer);
  }
  // A timer's done is what owns its item: it gives the item back, now or already.
  for (const auto timer : timers) owner.rt->cancel(timer);
  give_back_aside();
  batch done(*this);
  for (item* next : {unstarted.first, standing})
    while (next != nullptr) give_back(*std::exchange(next, next->next), done);
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
