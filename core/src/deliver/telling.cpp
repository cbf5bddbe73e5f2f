// After the handler: the features that let it by are told how it ended, many at once, before the transport is.
#include "settlement_batch.hpp"
#include "subscription_state.hpp"

#include <boost/container/static_vector.hpp>

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

void subscription_state::tell_features(batch& done) {
  boost::container::static_vector<telling, batch::together> all;
  for (const auto& [i, v] : done.untold) {
    telling& how = all.emplace_back();
    how.event = i->event;
    how.marks = &i->marks;
    how.attempt = i->attempt;
    how.outcome = outcome_of(*i, v, options.max_deliveries);
    how.subscriber = &i->from->subscriber;
  }
  {
    const passage inside(owner.threads.mine());
    owner.features.tell(POSTBUS_AT_SETTLED, all);
  }
  for (std::size_t k = 0; k < all.size(); ++k) {
    const auto& [i, v] = done.untold[k];
    if (!all[k].is_held) {
      told(*i, v, all[k], done);
      continue;
    }
    i->aside = std::make_unique<suspension>();
    i->aside->ending = v;
    i->aside->how = all[k];
    go_on_telling(*i, done);
  }
  done.untold.clear();
}

void subscription_state::tell_rest(telling& how) {
  const passage inside(owner.threads.mine());
  owner.features.tell(POSTBUS_AT_SETTLED, {&how, 1});
}

void subscription_state::go_on_telling(item& i, batch& done) {
  const std::uint64_t ticket = i.marks.ticket;
  telling& how = i.aside->how;
  while (how.is_held) {
    const auto came = owner.features.waiting.take(ticket);
    if (!came) {
      i.aside->limit =
          owner.rt->timer(told_within_ns, {&outcome_overdue, new patience{shared_from_this(), &i, ticket}});
      return owner.features.waiting.wait(ticket, {&outcome_taken, &i});
    }
    owner.features.take_answer(how, *came);
    tell_rest(how);
  }
  const auto mine = std::move(i.aside);
  told(i, mine->ending, mine->how, done);
}

void subscription_state::told(item& i, const verdict& v, const telling& how, batch& done) {
  i.marks.memos = {};
  if (!how.is_refused) return settle_now(i, v, done);
  owner.log->burst(
      POSTBUS_LOG_WARN, "bus", "refused " + pattern,
      "the answer for event " + std::string(sdk::view(i.event->id)) + " is refused: " + how.reason);
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
  i.subscription->owner.rt->post(
      [](void* told) {
        item& mine = *static_cast<item*>(told);
        const auto alive = mine.subscription->shared_from_this();
        batch done(*alive);
        alive->tell_rest(mine.aside->how);
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
