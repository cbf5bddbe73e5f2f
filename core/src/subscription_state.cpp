#include "subscription_state.hpp"

#include "codec_msgpack.hpp"
#include "completion.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace postbus::detail {
namespace {

constexpr std::size_t chain_max = 64;                   // deliveries a runner takes at once
constexpr std::int64_t slice_ns = 1'000'000;            // then other subscriptions get their turn
constexpr std::size_t waiting_max_uncredited = 10'000;  // retries that wait without holding a credit

}  // namespace

// What goes back to the transport together.
struct subscription_state::batch {
  explicit batch(subscription_state& owner) noexcept : s(owner) {}
  batch(const batch&) = delete;
  batch& operator=(const batch&) = delete;
  ~batch() { flush(); }

  void settle(const item& i, std::uint32_t what, std::int64_t value_ns = 0) {
    if (i.token == 0 || (s.owner.transport.can & POSTBUS_CAN_ACK) == 0) return;
    if (count == settlements.size()) send();
    settlements[count++] = {i.token, what, 0, value_ns, nullptr};
  }
  void send() {
    if (count == 0) return;
    // The transport may read them until its done ran.
    auto* block = static_cast<postbus_settle*>(pool_allocate(count * sizeof(postbus_settle)));
    std::copy_n(settlements.data(), count, block);
    const passage inside(s.owner.threads.mine());
    s.owner.transport.table->settle(
        s.owner.transport.self, block, std::exchange(count, 0),
        {[](void* ctx, std::int32_t, const void*, const postbus_error*) { pool_free(ctx); }, block});
  }
  // Settlements first, then credit for what comes next, and only then is nothing open: who waits for that sees all of it.
  void flush() {
    send();
    if (credits > 0) s.give_credit(std::exchange(credits, 0));
    const std::uint64_t n = std::exchange(ended, 0);
    if (n > 0 && s.open_.fetch_sub(n) == n) {
      s.owner.something_ended();
      s.check_empty();
    }
  }

  subscription_state& s;
  std::array<postbus_settle, chain_max> settlements;
  std::size_t count = 0;
  std::uint32_t credits = 0;
  std::uint64_t ended = 0;
};

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
  sink = {sizeof sink, 0, this,
          [](void* ctx, const postbus_delivery* d, std::size_t count) {
            static_cast<subscription_state*>(ctx)->deliver(d, count);
          },
          [](void*, const postbus_notice*) {}};
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

[[gnu::always_inline]] inline void subscription_state::deliver_inline(thread_record& thread,
                                                                      const postbus_delivery& d) {
  if (d.event == nullptr || asks_features) [[unlikely]]
    return deliver_inline_slowly(thread, d);
  delivery_state state;
  state.subscription = this;
  state.event = d.event;
  state.token = d.token;
  state.attempt = d.attempt + 1;
  state.since_ns = thread.inline_since_ns;
  state.outer = thread.running.load(std::memory_order_relaxed);
  thread.enter_handler(state);
  if (closed.load(std::memory_order_acquire)) [[unlikely]]
    return refuse_inline(thread, state);
  try {
    handler_.run(handler_.object.get(), delivery_state::handle(state));
  } catch (...) {
    thread.leave_handler(state.outer);
    return end_inline(state, std::current_exception());
  }
  thread.leave_handler(state.outer);
  if (state.promoted == nullptr && d.token == 0) [[likely]]
    return thread.tallies.add(number);
  end_inline(state, nullptr);
}

void subscription_state::deliver(const postbus_delivery* deliveries, std::size_t n) {
  if (dispatches_inline) {
    thread_record& thread = threads_.mine();
    for (std::size_t k = 0; k < n; ++k) deliver_inline(thread, deliveries[k]);
  } else {
    queue_up(deliveries, n);
  }
}

void subscription_state::queue_up(const postbus_delivery* deliveries, std::size_t n) {
  count_in(n);
  item *first = nullptr, *last = nullptr;
  for (std::size_t k = 0; k < n; ++k) {
    item* i = to_item(deliveries[k]);
    (first == nullptr ? first : last->next) = i;
    last = i;
  }
  if (first != nullptr) enqueue(first, last, n);
}

item* subscription_state::to_item(const postbus_delivery& delivery) {
  item* i = item::make();
  i->subscription = this;
  if (delivery.event != nullptr) {
    i->event = event_record::of(delivery.event).keep();
  } else {
    i->wire = delivery.wire;
    i->topic.assign(sdk::view(delivery.topic));
  }
  if (delivery.position.len != 0) i->position.assign(sdk::view(delivery.position));
  i->token = delivery.token;
  i->attempt = delivery.attempt;
  i->credited = !dispatches_inline && (owner.transport.can & POSTBUS_CAN_CREDIT) != 0;
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

void subscription_state::deliver_inline_slowly(thread_record& thread, const postbus_delivery& d) {
  count_in(1);
  item* i = to_item(d);
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
    try {
      delivery d = delivery_state::handle(*i);
      co_await handler_.spawn(handler_.object.get(), d);
    } catch (...) {
      v = verdict_of(std::current_exception());
    }
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

bool subscription_state::prepare(item& i, batch& done) {
  if (i.event == nullptr) {
    std::string why;
    i.event = decode_msgpack(i.wire, *owner.rt, why);
    if (i.event == nullptr) {
      owner.log->write(POSTBUS_LOG_ERROR, "bus", "a message on '" + i.topic + "' cannot be decoded: " + why);
      settle(i, {verdict::dead, {}, "undecodable: " + why}, done);
      return false;
    }
    i.wire = {};
  }
  if (owner.features.empty()) return true;
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

// ---- out

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
      owner.log->write(POSTBUS_LOG_ERROR, "bus",
                       "event " + std::string(i.event != nullptr ? sdk::view(i.event->id) : "?") + " on '" +
                           std::string(i.event != nullptr ? sdk::view(i.event->topic) : i.topic) +
                           "' is given up by '" + pattern + "' after " + std::to_string(i.attempt) +
                           (i.attempt == 1 ? " delivery: " : " deliveries: ") + v.reason);
      return finish(i, POSTBUS_ACK, done);
  }
}

void subscription_state::settle_deferred(item& i, const verdict& v) {
  const auto alive = shared_from_this();
  batch done(*this);
  if (v.what != verdict::retry) return settle(i, v, done);
  // The handler that took the settlement along may still run on this item: the retry goes on with one of its own.
  item* again = item::make();
  again->subscription = this;
  again->event = event_record::of(i.event).keep();
  again->position = i.position;
  again->token = i.token;
  again->attempt = i.attempt;
  again->credited = i.credited;
  i.release();
  settle(*again, v, done);
}

void subscription_state::finish(item& i, std::uint32_t what, batch& done) {
  done.settle(i, what);
  if (i.credited) ++done.credits;
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
    ++done.credits;
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
    for (item* i = waiting_.first(); i != nullptr; i = i->after) timers.push_back(i->timer);
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

void subscription_state::give_credit(std::uint32_t n) {
  if (closed.load(std::memory_order_acquire)) return;
  if (!is_connected.load(std::memory_order_acquire)) {
    const std::lock_guard lock(mutex_);
    if (!is_connected.load(std::memory_order_relaxed)) {
      credit_held_ += n;
      return;
    }
  }
  const passage inside(owner.threads.mine());
  owner.transport.table->credit(owner.transport.self, transport_subscription, n);
}

void subscription_state::connected() {
  std::uint32_t held = 0;
  {
    const std::lock_guard lock(mutex_);
    is_connected.store(true, std::memory_order_release);
    held = std::exchange(credit_held_, 0);
  }
  if (held > 0) give_credit(held);
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
  if (dispatches_inline) {
    std::uint64_t plain = 0;
    owner.threads.inspect([&](thread_record& t) { plain += t.tallies.read(number); });
    c.taken_on += plain;
    c.started += plain;
    c.acked += plain;
  }
  return c;
}

void subscription_state::count_abandoned() { counts_.abandoned = open_.load(); }

void subscription_state::for_each_running_coroutine(const std::function<void(delivery_state&)>& f) {
  const std::lock_guard lock(mutex_);
  for (item* i = running_.first(); i != nullptr; i = i->after) f(*i);
}

}  // namespace postbus::detail
