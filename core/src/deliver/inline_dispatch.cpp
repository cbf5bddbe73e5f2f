// Inline dispatch: a delivery runs its handler on the thread that brings it, from its stack. Only what has to outlive that (a retry, a
// settlement taken along, an event that wants decoding or features) becomes an item, as a queued one is from the start.
#include "dead/letter.hpp"
#include "settlement_batch.hpp"
#include "subscription_state.hpp"

namespace postbus::detail {

template <bool is_timed>
inline void subscription_state::run_inline(thread_record& thread, attachment& from,
                                           const postbus_delivery& d) {
  delivery_state state;
  state.subscription = this;
  state.from = &from;
  state.event = d.event;
  state.token = d.token;
  state.attempt = d.attempt + 1;
  state.since_ns = thread.inline_since_ns;
  state.outer = thread.running.load(std::memory_order_relaxed);
  thread.enter_handler(state);
  if (closed.load(std::memory_order_acquire)) [[unlikely]]
    return refuse_inline(thread, state);
  try {
    if constexpr (is_timed) {
      const stopwatch timed(*this, event_record::of(d.event).timed, d.event);
      handler_.run(handler_.object.get(), delivery_state::handle(state));
    } else {
      handler_.run(handler_.object.get(), delivery_state::handle(state));
    }
  } catch (...) {
    thread.leave_handler(state.outer);
    return end_inline(state, std::current_exception());
  }
  thread.leave_handler(state.outer);
  if (state.promoted.load(std::memory_order_relaxed) == nullptr && d.token == 0) [[likely]]
    return thread.tallies.add(number);
  end_inline(state, nullptr);
}

[[gnu::always_inline]] inline void subscription_state::deliver_inline(thread_record& thread, attachment& from,
                                                                      const postbus_delivery& d) {
  if (d.event == nullptr || asks_features || d.event->expires_ns != 0 || d.position.len != 0 ||
      (d.event->header_count != 0 && sdk::header(*d.event, requeuedto_header))) [[unlikely]]
    return deliver_inline_slowly(thread, from, d);
  if (event_record::of(d.event).timed != sampling::none) [[unlikely]]
    return run_inline<true>(thread, from, d);
  run_inline<false>(thread, from, d);
}

void subscription_state::deliver(attachment& from, const postbus_delivery* deliveries, std::size_t n) {
  if (from.dispatches_inline) {
    thread_record& thread = threads_.mine();
    for (std::size_t k = 0; k < n; ++k) deliver_inline(thread, from, deliveries[k]);
  } else {
    queue_up(from, deliveries, n);
  }
}

void subscription_state::refuse_inline(thread_record& thread, delivery_state& state) {
  thread.leave_handler(state.outer);
  --state.attempt;
  batch done(*this);
  give_back(promote(state), done);
}

void subscription_state::end_inline(delivery_state& state, std::exception_ptr thrown) {
  const verdict v = thrown != nullptr ? verdict_of(std::move(thrown)) : verdict{};
  if (state.deferred) return;
  batch done(*this);
  settle(promote(state), v, done);
}

void subscription_state::deliver_inline_slowly(thread_record& thread, attachment& from,
                                               const postbus_delivery& d) {
  count_in(1);
  item* i = to_item(from, d);
  batch done(*this);
  verdict v;
  run ran = run::recalled;
  while (ran == run::recalled && (asks_features ? ask_inline(*i, done) : prepare(*i, done))) {
    i->since_ns = owner.rt->coarse_now_ns();
    ran = run_handler(thread, *i, v);
  }
  if (ran == run::closed) give_back(*i, done);
  if (ran != run::done) return;
  counts_.started.fetch_add(1, std::memory_order_relaxed);
  ended(*i, v, done);
}

item& subscription_state::promote(delivery_state& state) {
  if (state.is_item) return static_cast<item&>(state);
  item* i = state.promoted.load(std::memory_order_relaxed);
  if (i == nullptr) {
    i = item::make();
    i->subscription = this;
    i->from = state.from;
    i->event = event_record::of(state.event).keep();
    i->token = state.token;
    i->attempt = state.attempt;
    i->since_ns = state.since_ns;
    i->credited = false;
    count_in(1);
    counts_.started.fetch_add(1, std::memory_order_relaxed);
    state.promoted.store(i, std::memory_order_release);
  }
  return *i;
}

}  // namespace postbus::detail
