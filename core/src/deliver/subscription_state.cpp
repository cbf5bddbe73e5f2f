#include "subscription_state.hpp"

#include "engine/completion.hpp"
#include "settlement_batch.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>

namespace postbus::detail {
namespace {

constexpr std::size_t chain_max = 64;  // deliveries a runner takes at once

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
      handler_(std::move(h)),
      order_(options.ordered_by.empty()
                 ? key_expression{}
                 : parse_key_expression(options.ordered_by, error::bad_argument, "ordered_by")) {
  if (handler_.run == nullptr) return;
  for (unsigned i = 0; i < options.concurrency; ++i) {
    auto& r = runners_.emplace_back(std::make_unique<runner>());
    r->owner = this;
    r->run = [](task* t) { static_cast<runner*>(t)->owner->run_plain(static_cast<runner&>(*t)); };
    idle_runners_.push_back(r.get());
  }
}

subscription_state::~subscription_state() = default;

item::item() { is_item = true; }
item::~item() = default;

// ---- in and out of the queue

void subscription_state::queue_up(attachment& from, const postbus_delivery* deliveries, std::size_t n) {
  count_in(n);
  item *first = nullptr, *last = nullptr;
  for (std::size_t k = 0; k < n; ++k) {
    item* i = to_item(from, deliveries[k]);
    (first == nullptr ? first : last->next) = i;
    last = i;
  }
  if (first == nullptr) return;
  item* beyond = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (from.has_flow_control) enqueue(first, last, n);
    else beyond = buffer(first);
  }
  if (beyond != nullptr) discard(beyond, from);
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
  i->first_ns = delivery.first_ns;
  i->credited = !from.dispatches_inline && from.has_flow_control;
  if (from.held != nullptr && i->token != 0) from.held->begin(*i);
  return i;
}

void subscription_state::count_in(std::uint64_t n) noexcept {
  open_.fetch_add(n, std::memory_order_relaxed);
  taken_on_.fetch_add(n, std::memory_order_relaxed);
}

// With the lock held.
void subscription_state::enqueue(item* first, item* last, std::size_t n) {
  (order_.empty() ? ready_ : unsorted_).add(first, last);
  queued_ += n;
  schedule();
}

void subscription_state::append_ready(item& i) {
  i.next = nullptr;
  ready_.add(&i, &i);
  ++queued_;
  schedule();
}

// With the lock held: as many runners as there is work for.
void subscription_state::schedule() {
  while (!alone_ && !is_stopped() && active_ < options.concurrency && active_ < queued_) {
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
  std::unique_lock lock(mutex_);
  alone_ = false;  // while it is set nobody else is active
  for (;;) {
    if (ready_.first == nullptr && unsorted_.first != nullptr && !sorting_) sort(lock);
    else if (asks_features && ready_.first != nullptr && !is_stopped() && needs_asking(*ready_.first))
      ask_ahead(lock);
    else break;
  }
  const bool alone = ready_.first != nullptr && runs_alone(*ready_.first);
  if (ready_.first == nullptr || is_stopped() ||
      (alone && active_ > 1)) {  // the last of those at work takes it
    --active_;
    if (taker != nullptr) idle_runners_.push_back(taker);
    return nullptr;
  }
  // What a feature wants to hear about again stays where a recall finds it, until its turn comes.
  const bool is_owed = ready_.first->marks.passed != 0;
  const std::size_t most = runs_coroutines() || alone || is_owed ? 1
                           : options.concurrency == 1
                               ? chain_max
                               : std::clamp<std::size_t>(queued_ / (2 * options.concurrency), 1, 16);
  alone_ = alone;
  item *chain = ready_.first, *last = chain;
  std::size_t n = 1;
  const auto goes_along = [this](const item& i) {
    return !runs_alone(i) && i.marks.passed == 0 && (!asks_features || !needs_asking(i)) &&
           i.passage != item::passage_state::held;
  };
  for (; n < most && last->next != nullptr && goes_along(*last->next); ++n) last = last->next;
  ready_.first = std::exchange(last->next, nullptr);
  if (ready_.first == nullptr) ready_.last = nullptr;
  queued_ -= n;
  for (item* i = chain; i != nullptr; i = i->next) {
    unbuffer(*i);
    if (i == overflow_note_) overflow_note_ = nullptr;
  }
  schedule();
  return chain;
}

void subscription_state::put_back(item* chain) {
  const std::lock_guard lock(mutex_);
  prepend_ready(chain);
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
  for (const auto& a : attachments)
    if (a->held != nullptr) a->held->stop();
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
  c.expired = counts_.expired;
  c.discarded = counts_.discarded;
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

subscription_state::parking subscription_state::parked() const {
  const std::lock_guard lock(mutex_);
  return parked_;
}

handler_times& subscription_state::times() {
  handler_times* mine = times_.load(std::memory_order_acquire);
  if (mine == nullptr) times_.store(mine = &owner.times_of(*this), std::memory_order_release);
  return *mine;
}

void subscription_state::count_abandoned() { counts_.abandoned = open_.load(); }

void subscription_state::for_each_running_coroutine(const std::function<void(delivery_state&)>& f) {
  const std::lock_guard lock(mutex_);
  for (item* i = running_.first(); i != nullptr; i = running_.after(*i)) f(*i);
}

void subscription_state::for_each_deferred(const std::function<void(delivery_state&)>& f) {
  const std::lock_guard lock(mutex_);
  for (item* i = deferred_.first(); i != nullptr; i = deferred_.after(*i)) f(*i);
}

}  // namespace postbus::detail
