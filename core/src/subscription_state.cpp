#include "subscription_state.hpp"

#include "completion.hpp"
#include "settlement_batch.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>

namespace postbus::detail {
namespace {

constexpr std::size_t chain_max = 64;         // deliveries a runner takes at once
constexpr std::int64_t slice_ns = 1'000'000;  // then other subscriptions get their turn

}  // namespace

subscription_state::subscription_state(engine& e, std::string p, subscribe_options o, detail::handler h,
                                       std::uint32_t n, std::uint64_t in_order)
    : owner(e),
      pattern(std::move(p)),
      options(std::move(o)),
      number(n),
      number_in_order(in_order),
      threads_(e.threads),
      owner_alive_(e.shared_from_this()),
      handler_(std::move(h)) {
  if (handler_.run == nullptr) return;
  for (unsigned i = 0; i < options.concurrency; ++i) {
    auto& r = runners_.emplace_back(std::make_unique<runner>());
    r->owner = this;
    r->run = [](task* t) { static_cast<runner*>(t)->owner->run_plain(static_cast<runner&>(*t)); };
    idle_runners_.push_back(r.get());
  }
}

subscription_state::~subscription_state() = default;

// ---- in

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
  if (state.promoted == nullptr && d.token == 0) [[likely]]
    return thread.tallies.add(number);
  end_inline(state, nullptr);
}

[[gnu::always_inline]] inline void subscription_state::deliver_inline(thread_record& thread, attachment& from,
                                                                      const postbus_delivery& d) {
  if (d.event == nullptr || asks_features) [[unlikely]]
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

void subscription_state::queue_up(attachment& from, const postbus_delivery* deliveries, std::size_t n) {
  count_in(n);
  item *first = nullptr, *last = nullptr;
  for (std::size_t k = 0; k < n; ++k) {
    item* i = to_item(from, deliveries[k]);
    (first == nullptr ? first : last->next) = i;
    last = i;
  }
  if (first != nullptr) enqueue(first, last, n);
}

item* subscription_state::to_item(attachment& from, const postbus_delivery& delivery) {
  item* i = item::make();
  i->subscription = this;
  i->from = &from;
  if (delivery.event != nullptr) {
    i->event = event_record::of(delivery.event).keep();
  } else {
    i->wire = delivery.wire;
    i->topic.assign(sdk::view(delivery.topic));
  }
  if (delivery.position.len != 0) i->position.assign(sdk::view(delivery.position));
  i->token = delivery.token;
  i->attempt = delivery.attempt;
  i->credited = !from.dispatches_inline && (from.to.can & POSTBUS_CAN_CREDIT) != 0;
  return i;
}

void subscription_state::count_in(std::uint64_t n) noexcept {
  open_.fetch_add(n, std::memory_order_relaxed);
  taken_on_.fetch_add(n, std::memory_order_relaxed);
}

void subscription_state::enqueue(item* first, item* last, std::size_t n) {
  const std::lock_guard lock(mutex_);
  (last_ != nullptr ? last_->next : first_) = first;
  last_ = last;
  queued_ += n;
  schedule();
}

// With the lock held: as many runners as there is work for.
void subscription_state::schedule() {
  while (active_ < options.concurrency && active_ < queued_) {
    ++active_;
    if (runs_coroutines()) {
      boost::asio::co_spawn(step_executor(owner.rt->executor(), owner.threads_owner), run_coroutines(),
                            boost::asio::detached);
    } else {
      runner* r = idle_runners_.back();
      idle_runners_.pop_back();
      owner.rt->post(*r);
    }
  }
}

item* subscription_state::take(runner* taker) {
  const std::lock_guard lock(mutex_);
  if (first_ == nullptr) {
    --active_;
    if (taker != nullptr) idle_runners_.push_back(taker);
    return nullptr;
  }
  const std::size_t most = runs_coroutines() ? 1
                           : options.concurrency == 1
                               ? chain_max
                               : std::clamp<std::size_t>(queued_ / (2 * options.concurrency), 1, 16);
  item *chain = first_, *last = first_;
  std::size_t n = 1;
  for (; n < most && last->next != nullptr; ++n) last = last->next;
  first_ = std::exchange(last->next, nullptr);
  if (first_ == nullptr) last_ = nullptr;
  queued_ -= n;
  return chain;
}

void subscription_state::put_back(item* chain) {
  const std::lock_guard lock(mutex_);
  item* last = chain;
  for (++queued_; last->next != nullptr; ++queued_) last = last->next;
  last->next = first_;
  if (first_ == nullptr) last_ = last;
  first_ = chain;
}

// ---- running

bool subscription_state::run_handler(thread_record& thread, delivery_state& state, verdict& v) {
  state.outer = thread.running.load(std::memory_order_relaxed);
  thread.enter_handler(state);
  const bool start = !closed.load(std::memory_order_acquire);
  if (start) {
    ++state.attempt;
    const stopwatch timed(*this, event_record::of(state.event).timed, state.event);
    try {
      handler_.run(handler_.object.get(), delivery_state::handle(state));
    } catch (...) {
      v = verdict_of(std::current_exception());
    }
  }
  thread.leave_handler(state.outer);
  return start;
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

void subscription_state::refuse_inline(thread_record& thread, delivery_state& state) {
  --state.attempt;
  thread.leave_handler(state.outer);
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
  if (!prepare(*i, done)) return;
  i->since_ns = owner.rt->coarse_now_ns();
  if (!run_handler(thread, *i, v)) return give_back(*i, done);
  counts_.started.fetch_add(1, std::memory_order_relaxed);
  if (i->deferred) return i->release();
  settle(*i, v, done);
}

item& subscription_state::promote(delivery_state& state) {
  if (state.is_item) return static_cast<item&>(state);
  if (state.promoted == nullptr) {
    item* i = item::make();
    i->subscription = this;
    i->from = state.from;
    i->event = event_record::of(state.event).keep();
    i->token = state.token;
    i->attempt = state.attempt;
    i->credited = false;
    count_in(1);
    counts_.started.fetch_add(1, std::memory_order_relaxed);
    state.promoted = i;
  }
  return *state.promoted;
}

void subscription_state::run_plain(runner& me) {
  const auto alive = shared_from_this();
  thread_record& thread = owner.threads.mine();
  const std::int64_t end = owner.rt->coarse_now_ns() + slice_ns;
  while (item* chain = take(&me)) {
    batch done(*this);
    while (chain != nullptr) {
      item& i = *std::exchange(chain, chain->next);
      i.next = nullptr;
      if (!prepare(i, done)) continue;
      verdict v;
      i.since_ns = owner.rt->coarse_now_ns();
      if (!run_handler(thread, i, v)) {
        give_back(i, done);
        continue;
      }
      counts_.started.fetch_add(1, std::memory_order_relaxed);
      if (i.deferred) i.release();
      else settle(i, v, done);
      if (chain != nullptr && owner.rt->coarse_now_ns() > end) put_back(std::exchange(chain, nullptr));
    }
    done.flush();
    if (owner.rt->coarse_now_ns() > end) return owner.rt->post(me);
  }
  check_empty();
}

boost::asio::awaitable<void> subscription_state::run_coroutines() {
  const auto alive = shared_from_this();
  while (item* i = take(nullptr)) {
    batch done(*this);
    if (!prepare(*i, done)) continue;
    thread_record& thread = owner.threads.mine();
    delivery_state* const outer = thread.running.load(std::memory_order_relaxed);
    thread.enter_handler(*i);
    if (closed.load(std::memory_order_acquire)) {
      thread.leave_handler(outer);
      give_back(*i, done);
      continue;
    }
    {
      const std::lock_guard lock(mutex_);
      running_.add(*i);
    }
    ++i->attempt;
    i->since_ns = owner.rt->coarse_now_ns();
    counts_.started.fetch_add(1, std::memory_order_relaxed);
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
    if (i->deferred) i->release();
    else settle(*i, v, done);
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

bool subscription_state::prepare(item& i, batch& done) {
  if (i.event == nullptr) {
    std::string why;
    i.event = decode(i.from->to.format, i.wire, i.topic, *owner.rt, why);
    if (i.event == nullptr) {
      owner.log->burst(POSTBUS_LOG_ERROR, "bus", "undecodable " + pattern,
                       "a message on '" + i.topic + "' cannot be decoded: " + why);
      settle(i, {verdict::dead, {}, "undecodable: " + why}, done);
      return false;
    }
    i.wire = {};
    choose_to_time(i);
  }
  if (!asks_features) return true;
  traveller t;
  t.event = i.event;
  t.ticket = reinterpret_cast<std::uintptr_t>(&i);
  t.attempt = i.attempt;
  thread_record& thread = owner.threads.mine();
  {
    const passage inside(thread);
    error_code ec;
    const std::string_view topic = sdk::view(i.event->topic);
    t.entry = owner.find_topic(thread, topic, sdk::hash_bytes(topic), ec);
    if (t.entry == nullptr || t.entry->deliver_mask == 0) return true;
    owner.features.ask(thread, POSTBUS_AT_DELIVER, {&t, 1});
  }
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
    default:
      return settle(i, {verdict::retry, {}, t.reason}, done), false;
  }
}

// ---- as it comes and goes

void subscription_state::connected(attachment& to) {
  std::uint32_t held = 0;
  {
    const std::lock_guard lock(mutex_);
    to.is_connected.store(true, std::memory_order_release);
    held = std::exchange(to.credit_held, 0);
  }
  if (held > 0) give_credit(to, held);
}

void subscription_state::when_gone(boost::asio::any_completion_handler<void(error_code)> ended) {
  {
    const std::lock_guard lock(mutex_);
    if (!gone_) return when_gone_.push_back(std::move(ended));
  }
  post_completion(owner, std::move(ended), error_code());
}

void subscription_state::gone(const delivery_counts& final) {
  std::vector<boost::asio::any_completion_handler<void(error_code)>> ended;
  {
    const std::lock_guard lock(mutex_);
    gone_ = true;
    final_ = final;
    ended.swap(when_gone_);
  }
  for (auto& handler : ended) post_completion(owner, std::move(handler), error_code());
}

// ---- counts

delivery_counts subscription_state::counts() const {
  {
    const std::lock_guard lock(mutex_);
    if (gone_) return final_;
  }
  delivery_counts c;
  c.taken_on = taken_on_;
  c.started = counts_.started;
  c.acked = counts_.acked;
  c.retried = counts_.retried;
  c.dropped = counts_.dropped;
  c.dead = counts_.dead;
  c.given_back = counts_.given_back;
  c.abandoned = counts_.abandoned;
  if (std::any_of(attachments.begin(), attachments.end(),
                  [](const auto& a) { return a->dispatches_inline; })) {
    std::uint64_t plain = 0;
    owner.threads.inspect([&](thread_record& t) { plain += t.tallies.read(number); });
    c.taken_on += plain;
    c.started += plain;
    c.acked += plain;
  }
  return c;
}

std::size_t subscription_state::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size();
}

handler_times& subscription_state::times() {
  handler_times* mine = times_.load(std::memory_order_acquire);
  if (mine == nullptr) times_.store(mine = &owner.times_of(*this), std::memory_order_release);
  return *mine;
}

void subscription_state::count_abandoned() { counts_.abandoned = open_.load(); }

void subscription_state::for_each_running_coroutine(const std::function<void(delivery_state&)>& f) {
  const std::lock_guard lock(mutex_);
  for (item* i = running_.first(); i != nullptr; i = i->after) f(*i);
}

}  // namespace postbus::detail
