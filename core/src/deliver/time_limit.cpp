// The answer for a delivery is given without its handler: because that takes too long (handler_timeout), or because its lease is lost.
#include "settlement_batch.hpp"
#include "subscription_state.hpp"

namespace postbus::detail {

namespace {

// Of a handler that runs: held until its timer fired or was cancelled.
struct time_limit {
  std::shared_ptr<subscription_state> whose;
  item* what;
  ~time_limit() { what->release(); }
};

}  // namespace

void subscription_state::limit_time(item& i) {
  i.keep();
  i.time_limit =
      owner.rt->timer(options.handler_timeout.count(), {&time_over, new time_limit{shared_from_this(), &i}});
}

bool subscription_state::in_time(item& i) {
  if (!has_rival(i)) return true;
  if (i.time_limit != 0) owner.rt->cancel(i.time_limit);
  return !i.answered.exchange(true);
}

void subscription_state::time_over(void* ctx, std::int32_t status, const void*, const postbus_error*) {
  std::unique_ptr<time_limit> limit(static_cast<time_limit*>(ctx));
  if (status != POSTBUS_OK || limit->what->answered.load()) return;
  // Stop callbacks are the application's: they run on a worker.
  runtime& rt = *limit->whose->owner.rt;
  rt.post(
      [](void* late) {
        const std::unique_ptr<time_limit> mine(static_cast<time_limit*>(late));
        mine->whose->give_to_others(*mine->what);
      },
      limit.release());
}

// Whose answer counts, `answered` decides.
item* subscription_state::take_from_handler(item& i, std::string_view why) {
  bool is_taken = false;
  {
    const std::lock_guard lock(mutex_);
    i.lost = true;
    if (i.answered.exchange(true)) {
      i.lost = false;
      return nullptr;
    }
    is_taken = i.is_taken;
  }
  if (auto source = i.mark_stop()) source->request_stop();
  answered(i);
  owner.log->burst(POSTBUS_LOG_WARN, "bus", "overdue " + pattern,
                   "event " + std::string(sdk::view(i.event->id)) + " on '" +
                       std::string(sdk::view(i.event->topic)) + "' is taken from '" + pattern +
                       "': " + std::string(why));
  item& again = go_on_without(i);
  if (is_taken) i.release();  // else the end of the handler lets go of it
  return &again;
}

void subscription_state::give_to_others(item& i) {
  const std::string why =
      "the handler did not end within " + std::to_string(options.handler_timeout.count() / 1'000'000) + " ms";
  item* again = take_from_handler(i, why);
  if (again == nullptr) return;
  batch done(*this);
  // An order by key has one member, whose lane the retry has to hold.
  const bool has_others = order_.empty() && again->token != 0 && (again->from->to.can & POSTBUS_CAN_ACK) != 0;
  if (!has_others || again->attempt >= options.max_deliveries)
    return settle(*again, {verdict::retry, {}, why}, done);
  counts_.retried.fetch_add(1, std::memory_order_relaxed);
  done.settle(*again, POSTBUS_FAILED);
  give_back(*again, done);
}

void subscription_state::lost(item& i) {
  if (i.time_limit != 0) owner.rt->cancel(i.time_limit);
  item* again = take_from_handler(i, "its lease is lost, and others have it");
  if (again == nullptr) return;
  batch done(*this);
  give_back(*again, done);
}

bool subscription_state::extend(item& i, std::chrono::nanoseconds length) {
  if (i.answered.load()) return false;
  return i.from->held == nullptr || i.token == 0 || i.from->held->extend(i, length);
}

item& subscription_state::go_on_without(item& i) {
  item* again = item::make();
  again->subscription = this;
  again->from = i.from;
  again->event = event_record::of(i.event).keep();
  again->position = i.position;
  again->token = i.token;
  again->attempt = i.attempt;
  again->first_ns = i.first_ns;
  again->credited = i.credited;
  again->marks = std::move(i.marks);
  again->lane = std::exchange(i.lane, nullptr);
  if (i.from->held != nullptr) i.from->held->hand_over(i, *again);
  return *again;
}

}  // namespace postbus::detail
