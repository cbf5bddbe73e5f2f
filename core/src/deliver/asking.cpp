// Before the handler: the features are asked about what is ready, many at once, and may keep an item. What they let by stays in its place
// until its turn comes, for a feature may take that back.
#include "event/event_key.hpp"
#include "settlement_batch.hpp"
#include "subscription_state.hpp"

#include <boost/container/static_vector.hpp>

namespace postbus::detail {
namespace {

constexpr std::size_t asked_at_once = 64;

}  // namespace

// What nobody took back since the features were asked; when they answered does not count.
bool subscription_state::is_let_by(const item& i) const noexcept {
  return i.passage == item::passage_state::let_by &&
         (i.marks.ticket == 0 || i.recalls_seen == owner.recalls.load(std::memory_order_acquire));
}

bool subscription_state::needs_asking(const item& i) const noexcept {
  return i.note == nullptr && i.passage != item::passage_state::held && !is_let_by(i);
}

bool subscription_state::is_stopped() const noexcept {
  if (!is_in_order()) return false;
  return asking_ > 0 || (ready_.first != nullptr && ready_.first->passage == item::passage_state::held);
}

void subscription_state::ask_ahead(std::unique_lock<sdk::spin_mutex>& lock) {
  item_chain some;
  for (std::size_t n = 0; n < asked_at_once && ready_.first != nullptr && needs_asking(*ready_.first); ++n) {
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
  std::vector<kept> aside;
  for (std::uint64_t seen = 0;;) {
    lock.unlock();
    seen = owner.recalls.load(std::memory_order_acquire);
    some = ask(some, aside, done);
    lock.lock();
    if (seen == owner.recalls.load(std::memory_order_acquire)) break;
  }
  --asking_;
  credits freed;
  set_aside(aside, freed);
  if (some.first != nullptr) prepend_ready(some.first);
  schedule();
  lock.unlock();
  give(freed, done);
  done.flush();
  wait_aside(aside);
  lock.lock();
}

// Returns what is let by, or held in its place; what is kept otherwise is in `aside` only, and the rest is settled.
item_chain subscription_state::ask(item_chain some, std::vector<kept>& aside, batch& done) {
  thread_record& thread = owner.threads.mine();
  item_chain stay;
  while (some.first != nullptr) {
    boost::container::static_vector<item*, asked_at_once> row, whose;
    boost::container::static_vector<traveller, asked_at_once> asked;
    while (some.first != nullptr && row.size() < asked_at_once) {
      item& i = some.pop();
      if (!needs_asking(i)) row.push_back(&i);
      else if (i.aside == nullptr && closed.load(std::memory_order_acquire)) give_back(i, done);
      else if (prepare(i, done)) row.push_back(&i);
    }
    {
      const passage inside(thread);
      for (item* i : row) {
        if (!needs_asking(*i)) continue;
        traveller& t = asked.emplace_back();
        if (sets_out(thread, *i, t)) whose.push_back(i);
        else asked.pop_back();
      }
      if (!asked.empty()) ask_all(thread, asked);
    }
    auto at = asked.begin();
    for (item* i : row) {
      const bool was_asked = at != asked.end() && i == whose[static_cast<std::size_t>(at - asked.begin())];
      if (!was_asked || arrives(*i, *at++, aside, done)) stay.add(i, i);
    }
  }
  return stay;
}

// False: no feature looks at it.
bool subscription_state::sets_out(thread_record& thread, item& i, traveller& t) {
  const std::string_view topic = sdk::view(i.event->topic);
  t.entry = owner.find_topic(thread, topic, sdk::hash_bytes(topic), t.ec);
  if (t.entry == nullptr || t.entry->deliver_mask == 0) {
    i.passage = item::passage_state::let_by;
    return false;
  }
  t.event = i.event;
  t.attempt = i.attempt;
  t.subscriber = &i.from->subscriber;
  t.can = i.from->to.can;
  t.marks = std::move(i.marks);
  if (t.marks.ticket == 0) t.marks.ticket = owner.features.next_ticket(thread);
  const std::uint64_t recalls = owner.recalls.load(std::memory_order_acquire);
  if (const auto answered = std::move(i.aside)) {
    t.at = answered->at;
    owner.features.take_answer(thread, POSTBUS_AT_DELIVER, t, answered->answer);
    if (i.recalls_seen != recalls) t.at = 0;  // what was answered is out of date
  }
  i.recalls_seen = recalls;
  return true;
}

// And takes what answers are there already.
void subscription_state::ask_all(thread_record& thread, std::span<traveller> all) {
  for (bool goes_on = true; goes_on;) {
    owner.features.ask(thread, POSTBUS_AT_DELIVER, all);
    goes_on = false;
    for (traveller& t : all) {
      if (!t.is_kept()) continue;
      const auto came = owner.features.waiting.take(t.marks.ticket);
      if (!came) continue;
      owner.features.take_answer(thread, POSTBUS_AT_DELIVER, t, *came);
      goes_on = true;
    }
  }
}

// True: it stays where it stood.
bool subscription_state::arrives(item& i, traveller& t, std::vector<kept>& aside, batch& done) {
  i.marks = std::move(t.marks);
  if (t.owned != nullptr) {
    event_record::of(i.event).release();
    i.event = t.owned;
  }
  i.passage = item::passage_state::to_ask;
  switch (t.verdict) {
    case POSTBUS_PASS:
      i.passage = item::passage_state::let_by;
      return true;
    case POSTBUS_DROP:
      return settle(i, {verdict::drop, {}, {}}, done), false;
    case POSTBUS_REJECT:
      return settle(i, {verdict::dead, {}, t.reason}, done), false;
    case POSTBUS_HOLD:
    case POSTBUS_PARK:
      i.aside = std::make_unique<suspension>();
      i.aside->at = t.at;
      i.aside->parks = t.verdict == POSTBUS_PARK;
      aside.push_back({&i, i.marks.ticket, i.aside->parks});
      if (i.aside->parks || !is_in_order()) return false;
      i.passage = item::passage_state::held;
      return true;
    default:
      return settle(i, {verdict::retry, {}, t.reason}, done), false;
  }
}

// One that comes inline has no place yet.
bool subscription_state::ask_inline(item& i, batch& done) {
  std::vector<kept> aside;
  const item_chain stay = ask({&i, &i}, aside, done);
  if (aside.empty()) return stay.first != nullptr;
  credits freed;
  {
    const std::lock_guard lock(mutex_);
    set_aside(aside, freed);
    if (stay.first != nullptr) append_ready(i);
  }
  give(freed, done);
  wait_aside(aside);
  return false;
}

// With the lock held. HOLD keeps lane and credit; PARK leaves both to others.
void subscription_state::set_aside(const std::vector<kept>& aside, credits& freed) {
  for (const kept& k : aside) {
    aside_.add(*k.what);
    if (k.parks) park_aside(*k.what, freed);
  }
}

void subscription_state::wait_aside(const std::vector<kept>& aside) {
  if (aside.empty()) return;
  for (const kept& k : aside)
    owner.features.waiting.wait(k.ticket, {&verdict_came, k.what, flow_table::parking::is_told});
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
  const std::vector<kept> mine{{&i, i.marks.ticket, true}};
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
  wait_aside(mine);
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
