// Features: they are asked before the handler, may set an item aside, and are told how it ended before the transport is.
#include "event/event_key.hpp"
#include "settlement_batch.hpp"
#include "subscription_state.hpp"

namespace postbus::detail {
namespace {

constexpr std::int64_t told_within_ns =
    5'000'000'000;  // a feature that holds a settlement for longer is passed over

std::int32_t outcome_of(const item& i, const verdict& v, unsigned max_deliveries) noexcept {
  switch (v.what) {
    case verdict::ack:
      return POSTBUS_ACK;
    case verdict::drop:
    case verdict::expired:
      return POSTBUS_DROPPED;
    case verdict::retry:
      return i.attempt < max_deliveries ? POSTBUS_FAILED : POSTBUS_DEAD;
    case verdict::release:
      return POSTBUS_RELEASE;
    default:
      return POSTBUS_DEAD;
  }
}

// Of a settlement that a feature holds.
struct patience {
  std::shared_ptr<subscription_state> whose;
  item* what;
  std::uint64_t ticket;
};

}  // namespace

// ---- before the handler

bool subscription_state::ask_features(item& i, batch& done) {
  thread_record& thread = owner.threads.mine();
  traveller t;
  {
    const passage inside(thread);
    const std::string_view topic = sdk::view(i.event->topic);
    t.entry = owner.find_topic(thread, topic, sdk::hash_bytes(topic), t.ec);
    if (t.entry == nullptr || t.entry->deliver_mask == 0) return true;
    t.event = i.event;
    t.attempt = i.attempt;
    t.subscriber = &i.from->subscriber;
    t.can = i.from->to.can;
    t.marks = std::move(i.marks);
    if (t.marks.ticket == 0) t.marks.ticket = owner.features.next_ticket(thread);
    // A verdict that was waited for may be older than a recall: what counts is when the feature was asked.
    if (i.aside == nullptr) i.recalls_seen = owner.recalls.load(std::memory_order_acquire);
    if (const auto answered = std::move(i.aside)) {
      t.at = answered->at;
      owner.features.go_on(thread, POSTBUS_AT_DELIVER, t, answered->answer);
    } else {
      owner.features.ask(thread, POSTBUS_AT_DELIVER, {&t, 1});
    }
    while (t.is_kept())
      if (const auto came = owner.features.waiting.take(t.marks.ticket))
        owner.features.go_on(thread, POSTBUS_AT_DELIVER, t, *came);
      else break;
  }
  i.marks = std::move(t.marks);
  if (t.owned != nullptr) {
    event_record::of(i.event).release();
    i.event = t.owned;
  }
  switch (t.verdict) {
    case POSTBUS_PASS:
      return true;
    case POSTBUS_DROP:
      return settle(i, {verdict::drop, {}, {}}, done), false;
    case POSTBUS_REJECT:
      return settle(i, {verdict::dead, {}, t.reason}, done), false;
    case POSTBUS_HOLD:
    case POSTBUS_PARK:
      return set_aside(i, t.at, t.verdict == POSTBUS_PARK, done), false;
    default:
      return settle(i, {verdict::retry, {}, t.reason}, done), false;
  }
}

// HOLD keeps lane and credit; where there is one order for all, nothing else starts meanwhile. PARK leaves both to others.
void subscription_state::set_aside(item& i, std::uint32_t at, bool parks, batch& done) {
  i.aside = std::make_unique<suspension>();
  i.aside->at = at;
  i.aside->parks = parks;
  const std::uint64_t ticket = i.marks.ticket;
  credits freed;
  {
    const std::lock_guard lock(mutex_);
    aside_.add(i);
    if (parks) {
      park_aside(i, freed);
    } else if (order_.empty() && options.concurrency == 1) {
      i.aside->stops_others = true;
      ++stopped_by_;
      if (done.rest != nullptr && *done.rest != nullptr) prepend_ready(std::exchange(*done.rest, nullptr));
    }
  }
  give(freed, done);
  wait_aside(i, ticket);
}

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
      park_aside(i, freed);
      if (std::exchange(i.aside->stops_others, false)) {
        --stopped_by_;
        schedule();
      }
    }
  }
  give(freed, done);
  wait_aside(i, ticket);
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
  if (i.aside->stops_others) {
    --stopped_by_;
    i.next = nullptr;
    return prepend_ready(&i);
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
      if (i->aside->stops_others) --stopped_by_;
    }
    i->aside.reset();
    give_back(*i, done);
  }
}

// ---- after it

void subscription_state::tell_features(item& i, const verdict& v, batch& done) {
  i.aside = std::make_unique<suspension>();
  i.aside->ending = v;
  i.aside->how.outcome = outcome_of(i, v, options.max_deliveries);
  i.aside->how.subscriber = &i.from->subscriber;
  go_on_telling(i, done);
}

void subscription_state::go_on_telling(item& i, batch& done) {
  thread_record& thread = owner.threads.mine();
  const std::uint64_t ticket = i.marks.ticket;
  for (;;) {
    {
      const passage inside(thread);
      if (owner.features.tell(thread, POSTBUS_AT_SETTLED, *i.event, i.attempt, i.marks, i.aside->how)) break;
    }
    const auto came = owner.features.waiting.take(ticket);
    if (!came) {
      i.aside->limit =
          owner.rt->timer(told_within_ns, {&outcome_overdue, new patience{shared_from_this(), &i, ticket}});
      return owner.features.waiting.wait(ticket, {&outcome_taken, &i});
    }
    owner.features.take_answer(i.aside->how, *came);
    ++i.aside->how.at;
  }
  const auto told = std::move(i.aside);
  i.marks.memos.reset();
  if (!told->how.is_refused) return settle_now(i, told->ending, done);
  owner.log->burst(
      POSTBUS_LOG_WARN, "bus", "refused " + pattern,
      "the answer for event " + std::string(sdk::view(i.event->id)) + " is refused: " + told->how.reason);
  if (i.token != 0 && (i.from->to.can & POSTBUS_CAN_ACK) != 0) return give_back(i, done);
  confirmed(i, make_error_code(error::refused));
  counts_.retried.fetch_add(1, std::memory_order_relaxed);
  wait_for_retry(i, {}, done);
}

// The rest happens on a worker: who gives a verdict is not to run what follows.
void subscription_state::outcome_taken(void* ctx, const postbus_verdict& answer) {
  item& i = *static_cast<item*>(ctx);
  i.subscription->owner.rt->cancel(i.aside->limit);
  i.subscription->owner.features.take_answer(i.aside->how, answer);
  ++i.aside->how.at;
  i.subscription->owner.rt->post(
      [](void* told) {
        item& mine = *static_cast<item*>(told);
        const auto alive = mine.subscription->shared_from_this();
        batch done(*alive);
        alive->go_on_telling(mine, done);
      },
      &i);
}

void subscription_state::outcome_overdue(void* ctx, std::int32_t status, const void*, const postbus_error*) {
  const std::unique_ptr<patience> p(static_cast<patience*>(ctx));
  engine& bus = p->whose->owner;
  if (status != POSTBUS_OK || !bus.features.waiting.forget(p->ticket)) return;
  bus.log->burst(POSTBUS_LOG_ERROR, "bus", "overdue outcome " + p->whose->pattern,
                 "a feature holds the answer for a delivery of '" + p->whose->pattern +
                     "' for more than 5 s, and is passed over");
  outcome_taken(p->what, {p->ticket, POSTBUS_PASS, 0, nullptr});
}

}  // namespace postbus::detail
