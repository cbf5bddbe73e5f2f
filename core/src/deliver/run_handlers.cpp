// Running handlers: what is queued is decoded and given to the handler, on a worker or in a coroutine.
#include "settlement_batch.hpp"
#include "subscription_state.hpp"

namespace postbus::detail {
namespace {

constexpr std::int64_t slice_ns = 1'000'000;  // then other subscriptions get their turn
constexpr std::int64_t settle_within_ns = 5'000'000;

}  // namespace

// After the delivery can be seen to run: who closes the subscription, or takes back what was let by, either sees it or is seen.
subscription_state::run subscription_state::may_run(const delivery_state& state) const noexcept {
  if (closed.load(std::memory_order_acquire)) return run::closed;
  if (asks_features && state.is_item && needs_asking(static_cast<const item&>(state))) return run::recalled;
  if (state.from->held != nullptr && state.is_item &&
      !state.from->held->start(static_cast<const item&>(state)))
    return run::lost;
  return run::done;
}

subscription_state::run subscription_state::run_handler(thread_record& thread, delivery_state& state,
                                                        verdict& v) {
  state.outer = thread.running.load(std::memory_order_relaxed);
  ++state.attempt;  // before others can see it
  thread.enter_handler(state);
  const run may = may_run(state);
  if (may == run::done) {
    if (options.handler_timeout.count() > 0) limit_time(static_cast<item&>(state));
    const stopwatch timed(*this, event_record::of(state.event).timed, state.event);
    try {
      handler_.run(handler_.object.get(), delivery_state::handle(state));
    } catch (...) {
      v = verdict_of(std::current_exception());
    }
  }
  thread.leave_handler(state.outer);
  if (may != run::done) --state.attempt;
  return may;
}

verdict subscription_state::verdict_of(std::exception_ptr thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const postbus::retry& r) {
    return {verdict::retry, r.after, r.what()};
  } catch (const postbus::reject& r) {
    return {verdict::dead, {}, r.reason};
  } catch (const std::exception& e) {
    return {verdict::retry, {}, e.what()};
  } catch (...) {
    return {verdict::retry, {}, "the handler threw something that is no std::exception"};
  }
}

void subscription_state::run_plain(runner& me) {
  const auto alive = shared_from_this();
  thread_record& thread = owner.threads.mine();
  const std::int64_t end = owner.rt->coarse_now_ns() + slice_ns;
  batch done(*this);
  while (item* chain = take(&me)) {
    while (chain != nullptr) {
      item& i = *std::exchange(chain, chain->next);
      i.next = nullptr;
      if (i.note != nullptr) {
        tell_now(i);
        continue;
      }
      if (!prepare(i, done)) continue;
      i.since_ns = owner.rt->coarse_now_ns();
      verdict v;
      const bool is_lent = lend(me, done);
      const run ran = run_handler(thread, i, v);
      if (is_lent) take_home(me);
      if (ran == run::recalled) {
        i.next = std::exchange(chain, nullptr);
        put_back(&i);
        continue;
      }
      if (ran != run::done) {
        give_back(i, done);
        continue;
      }
      counts_.started.fetch_add(1, std::memory_order_relaxed);
      ended(i, v, done);
      if (chain != nullptr && owner.rt->coarse_now_ns() > end) put_back(std::exchange(chain, nullptr));
    }
    const bool is_over = owner.rt->coarse_now_ns() > end;
    if (is_over || done.is_due()) done.flush();
    if (is_over) return owner.rt->post(me);
  }
  done.flush();
  check_empty();
}

bool subscription_state::lend(runner& me, batch& done) {
  if (done.is_empty() || owner.rt->is_virtual())
    return false;  // virtual time stands still while a handler runs
  me.lent.store(&done, std::memory_order_release);
  if (looks_after_lent_.load(std::memory_order_relaxed) || looks_after_lent_.exchange(true)) return true;
  const auto look = [](void* ctx, std::int32_t status, const void*, const postbus_error*) {
    const std::unique_ptr<std::weak_ptr<subscription_state>> whose(
        static_cast<std::weak_ptr<subscription_state>*>(ctx));
    if (const auto alive = whose->lock(); alive && status == POSTBUS_OK) alive->send_lent();
  };
  owner.rt->timer(settle_within_ns, {look, new std::weak_ptr(weak_from_this())});
  return true;
}

void subscription_state::take_home(runner& me) {
  if (me.lent.exchange(nullptr, std::memory_order_acq_rel) != nullptr) return;
  const std::lock_guard until_it_is_sent(me.sending);
}

void subscription_state::send_lent() {
  looks_after_lent_.store(false);
  for (const auto& r : runners_) {
    batch mine(*this);
    const std::lock_guard lock(r->sending);
    if (batch* lent = r->lent.exchange(nullptr, std::memory_order_acq_rel)) mine.take_over(*lent);
  }
}

boost::asio::awaitable<void> subscription_state::run_coroutines() {
  const auto alive = shared_from_this();
  while (item* i = take(nullptr)) {
    if (i->note != nullptr) {
      tell_now(*i);
      continue;
    }
    batch done(*this);
    thread_record& thread = owner.threads.mine();
    delivery_state* const outer = thread.running.load(std::memory_order_relaxed);
    if (!prepare(*i, done)) continue;
    ++i->attempt;  // before others can see it
    i->since_ns = owner.rt->coarse_now_ns();
    thread.enter_handler(*i);
    if (const run may = may_run(*i); may != run::done) {
      thread.leave_handler(outer);
      --i->attempt;
      if (may == run::recalled) put_back(i);
      else give_back(*i, done);
      continue;
    }
    {
      const std::lock_guard lock(mutex_);
      running_.add(*i);
    }
    counts_.started.fetch_add(1, std::memory_order_relaxed);
    if (options.handler_timeout.count() > 0) limit_time(*i);
    verdict v;
    stopwatch timed(*this, event_record::of(i->event).timed, i->event);
    try {
      delivery d = delivery_state::handle(*i);
      co_await handler_.spawn(handler_.object.get(), d);
    } catch (...) {
      v = verdict_of(std::current_exception());
    }
    timed.stop();
    // Perhaps on another thread than before.
    thread_record& now = owner.threads.mine();
    if (now.running.load(std::memory_order_relaxed) == i) now.leave_handler(nullptr);
    {
      const std::lock_guard lock(mutex_);
      running_.remove(*i);
    }
    ended(*i, v, done);
  }
  check_empty();
}

// An event from outside. When it was published its attributes say, if they came along.
void subscription_state::choose_to_time(const item& i) noexcept {
  thread_record& thread = owner.threads.mine();
  if (--thread.until_timed_decode != 0) return;
  thread.until_timed_decode = owner.sample_every != 0 ? owner.sample_every : UINT32_MAX;
  if (owner.sample_every == 0) return;
  event_record::of(i.event).timed =
      i.from->to.format.codec == codec::raw ? sampling::handlers : sampling::all;
}

bool subscription_state::decode(item& i, batch& done) {
  if (i.event == nullptr) {
    std::string why;
    i.event = detail::decode(i.from->to.format, i.wire, i.topic, *owner.rt, why);
    if (i.event == nullptr) {
      owner.log->burst(POSTBUS_LOG_ERROR, "bus", "undecodable " + pattern,
                       "a message on '" + i.topic + "' cannot be decoded: " + why);
      settle(i, {verdict::undecodable, {}, "undecodable: " + why}, done);
      return false;
    }
    i.wire = {};
    choose_to_time(i);
  }
  return true;
}

bool subscription_state::prepare(item& i, batch& done) {
  if (!decode(i, done)) return false;
  if (i.event->expires_ns != 0 && owner.rt->wall_ns() >= i.event->expires_ns) {
    settle(i, {verdict::expired, {}, {}}, done);
    return false;
  }
  if (i.first_ns == 0) i.first_ns = owner.rt->wall_ns();
  if (i.event->header_count != 0 && !is_onlooker)
    if (const auto whose = sdk::header(*i.event, requeuedto_header); whose && *whose != box()) {
      settle(i, {verdict::drop, {}, {}}, done);
      return false;
    }
  return true;
}

}  // namespace postbus::detail
