// Before the handler: the features are asked about what is ready, many at once, and may keep an item. What they let by stays in its place
// until its turn comes, for a feature may take that back.
#include "event/event_key.hpp"
#include "inquiry.hpp"
#include "settlement_batch.hpp"
#include "subscription_state.hpp"

namespace postbus::detail {

bool subscription_state::needs_asking(const item& i) const noexcept {
  return i.needs_asking(owner.recalls.load(std::memory_order_acquire));
}

bool subscription_state::is_stopped() const noexcept {
  if (!is_in_order()) return false;
  return asking_ > 0 || (ready_.first != nullptr && ready_.first->passage == item::passage_state::held);
}

void subscription_state::ask_ahead(std::unique_lock<sdk::spin_mutex>& lock) {
  item_chain some;
  for (std::size_t n = 0; n < inquiry::together && ready_.first != nullptr && needs_asking(*ready_.first);
       ++n) {
    item& i = ready_.pop();
    some.add(&i, &i);
  }
  ask_about(some, lock);
}

// Whoever has not been seen to start yet looks at the count before it does. The others are asked about on the timers' thread: the workers
// may be busy for long.
void engine::recall() {
  recalls.fetch_add(1);
  thread_registry::heavy_fence();
  const auto ask = [](void* ctx, std::int32_t status, const void*, const postbus_error*) {
    const std::unique_ptr<std::weak_ptr<engine>> whose(static_cast<std::weak_ptr<engine>*>(ctx));
    const auto alive = whose->lock();
    if (!alive || status != POSTBUS_OK) return;
    std::vector<std::shared_ptr<subscription_state>> all;
    {
      const std::lock_guard lock(alive->mutex);
      for (const auto& s : alive->subscriptions)
        if (s->asks_features) all.push_back(s);
    }
    for (const auto& s : all) s->ask_again();
  };
  rt->timer(0, {ask, new std::weak_ptr<engine>(weak_from_this())});
}

// Those that were let by are the first of ready_. What is held stays where it is, and so does what stands behind it.
void subscription_state::ask_again() {
  const auto alive = shared_from_this();
  std::unique_lock lock(mutex_);
  item_chain some;
  while (ready_.first != nullptr && ready_.first->passage == item::passage_state::let_by) {
    item& i = ready_.pop();
    some.add(&i, &i);
  }
  if (some.first != nullptr) ask_about(some, lock);
}

// `some` was just taken from ready_; unlocks meanwhile.
void subscription_state::ask_about(item_chain some, std::unique_lock<sdk::spin_mutex>& lock) {
  for (item* i = some.first; i != nullptr; i = i->next) {
    unbuffer(*i);  // what a feature is told of is not discarded any more
    --queued_;
  }
  ++asking_;
  batch done(*this);
  inquiry asked(owner, is_in_order());
  for (std::uint64_t seen = 0;; some = asked.stay) {
    lock.unlock();
    seen = owner.recalls.load(std::memory_order_acquire);
    asked.ask(prepare_all(some, done));
    lock.lock();
    if (seen == owner.recalls.load(std::memory_order_acquire)) break;
  }
  --asking_;
  credits freed;
  set_aside(asked, freed);
  if (asked.stay.first != nullptr) prepend_ready(asked.stay.first);
  schedule();
  lock.unlock();
  go_on_with(asked, freed, done);
  done.flush();
  lock.lock();
}

// Takes those out that are settled without asking.
item_chain subscription_state::prepare_all(item_chain some, batch& done) {
  item_chain ready;
  while (some.first != nullptr) {
    item& i = some.pop();
    if (!needs_asking(i)) ready.add(&i, &i);
    else if (i.aside == nullptr && closed.load(std::memory_order_acquire)) give_back(i, done);
    else if (prepare(i, done)) ready.add(&i, &i);
  }
  return ready;
}

// One that comes inline has no place yet.
bool subscription_state::ask_inline(item& i, batch& done) {
  inquiry asked(owner, is_in_order());
  asked.ask(prepare_all({&i, &i}, done));
  const bool is_let_by = asked.stay.first != nullptr && asked.aside.empty();
  credits freed;
  if (!asked.aside.empty()) {
    const std::lock_guard lock(mutex_);
    set_aside(asked, freed);
    if (asked.stay.first != nullptr) append_ready(i);
  }
  go_on_with(asked, freed, done);
  return is_let_by;
}

// With the lock held. HOLD keeps lane and credit; PARK leaves both to others.
void subscription_state::set_aside(const inquiry& asked, credits& freed) {
  for (const inquiry::kept& k : asked.aside) {
    aside_.add(*k.what);
    if (k.parks) park_aside(*k.what, freed);
  }
}

void subscription_state::go_on_with(const inquiry& asked, const credits& freed, batch& done) {
  for (const auto& [i, v] : asked.ended) settle(*i, v, done);
  give(freed, done);
  for (const inquiry::kept& k : asked.aside) wait_aside(*k.what, k.ticket);
}

// From here on another thread may have the item.
void subscription_state::wait_aside(item& i, std::uint64_t ticket) {
  owner.features.waiting.wait(ticket, {&verdict_came, &i, flow_table::parking::is_told});
  // Who closes the subscription has perhaps looked before anybody waited.
  if (closed.load(std::memory_order_acquire)) give_back_aside();
}

void subscription_state::verdict_came(void* ctx, const postbus_verdict& answer) {
  item& i = *static_cast<item*>(ctx);
  const auto alive = i.subscription->shared_from_this();
  if (answer.verdict == POSTBUS_PARK) alive->park_held(i);
  else alive->take_back(i, answer);
}

// It was held, and will take longer. Until wait_aside() nobody else has it.
void subscription_state::park_held(item& i) {
  const std::uint64_t ticket = i.marks.ticket;
  batch done(*this);
  credits freed;
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(i.aside->parks, true)) {
      leave_place(i);
      park_aside(i, freed);
      schedule();
    }
  }
  give(freed, done);
  wait_aside(i, ticket);
}

// With the lock held: one that was held where it stood stands there no more.
void subscription_state::leave_place(item& i) {
  if (i.passage != item::passage_state::held) return;
  i.passage = item::passage_state::to_ask;
  item* before = nullptr;
  for (item* at = ready_.first; at != &i; at = at->next) before = at;
  (before != nullptr ? before->next : ready_.first) = i.next;
  if (ready_.last == &i) ready_.last = before;
  i.next = nullptr;
  --queued_;
}

// With the lock held.
void subscription_state::park_aside(item& i, credits& freed) {
  park(i, freed);
  if (i.lane == nullptr) return;
  if (item* next = lanes_.leave(i)) {
    unpark(*next);
    append_ready(*next);
  }
}

void subscription_state::take_back(item& i, const postbus_verdict& answer) {
  i.aside->answer = answer;
  std::string buffer;
  const std::string_view key =
      order_.empty() ? std::string_view() : key_of(order_, *i.event, patterns_, buffer);
  const std::lock_guard lock(mutex_);
  aside_.remove(i);
  unpark(i);
  if (i.passage == item::passage_state::held) {
    i.passage = item::passage_state::to_ask;
    return schedule();
  }
  if (!order_.empty() && i.lane == nullptr && !lanes_.join(i, key)) {
    credits none;  // it gave its own back already
    if (i.lane->second.rests) park(i, none);
    return;
  }
  append_ready(i);
}

// With the lock held.
void subscription_state::prepend_ready(item* chain) {
  item* last = chain;
  for (++queued_; last->next != nullptr; ++queued_) last = last->next;
  last->next = ready_.first;
  if (ready_.first == nullptr) ready_.last = last;
  ready_.first = chain;
  schedule();
}

void subscription_state::give_back_aside() {
  std::vector<std::pair<item*, std::uint64_t>> all;
  {
    const std::lock_guard lock(mutex_);
    for (item* i = aside_.first(); i != nullptr; i = aside_.after(*i)) all.emplace_back(i, i->marks.ticket);
  }
  batch done(*this);
  for (const auto& [i, ticket] : all) {
    if (!owner.features.waiting.forget(ticket)) continue;  // its verdict is on the way, and brings it back
    {
      const std::lock_guard lock(mutex_);
      aside_.remove(*i);
      unpark(*i);
      leave_place(*i);
    }
    i->aside.reset();
    give_back(*i, done);
  }
}

}  // namespace postbus::detail
