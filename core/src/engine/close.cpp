// The end: drain, stop, report. And waiting until there is nothing to do.
#include "admin/admin.hpp"
#include "engine.hpp"

namespace postbus::detail {
namespace {

constexpr std::int64_t winding_up_ns =
    1'000'000'000;  // for what only needs a moment, however near the deadline is

}  // namespace

void engine::something_ended() noexcept {
  if (idle_waiters.load() == 0) return;
  const std::lock_guard lock(idle_mutex_);
  idle_changed_.notify_all();
}

// Waits for something_ended() until `over` or the deadline.
bool engine::wait_idle(const deadline& end, const std::function<bool()>& over) {
  if (rt->is_virtual()) {
    rt->run_queued();
    return over();
  }
  idle_waiters.fetch_add(1);
  std::unique_lock lock(idle_mutex_);
  const bool reached = end.wait(lock, idle_changed_, over);
  idle_waiters.fetch_sub(1);
  return reached;
}

bool engine::nothing_open() const {
  if (publishing.load() != 0) return false;
  const std::lock_guard lock(mutex);
  return std::all_of(subscriptions.begin(), subscriptions.end(),
                     [](const auto& s) { return s->open() == 0; });
}

bool engine::wait_until_idle(std::int64_t timeout_ns) {
  const deadline end(rt->now_ns() + timeout_ns);
  for (;;) {
    if (!wait_idle(end, [&] { return nothing_open(); })) return false;
    if (!threads.quiet_until(end)) return false;  // publishes and inline handlers under way
    if (nothing_open()) return true;
  }
}

close_report engine::close(std::int64_t timeout_ns, std::int64_t grace_ns) {
  const std::int64_t now = rt->now_ns();
  drained_by_.shorten(now + timeout_ns);
  over_by_.shorten(now + timeout_ns + grace_ns);
  something_ended();
  threads.look_at_the_time_again();
  health_asker_.look_at_the_time_again();
  if (admin_ != nullptr) admin_->look_at_the_time_again();
  std::call_once(closed_once_, [&] { drain(); });
  return report_;
}

void engine::drain() {
  // First, so that what its clients hold goes back while the transports still take it.
  if (admin_ != nullptr) admin_->stop();
  std::vector<std::shared_ptr<subscription_state>> all;
  {
    const std::lock_guard none_is_being_made(lifecycle);
    state.store(phase::draining);
    const std::lock_guard lock(mutex);
    all = subscriptions;
  }
  thread_registry::heavy_fence();
  timetable.stop();
  report_.delayed = delayed.cancel_all();
  for (const auto& s : all)
    if (!s->takes_replies) retire(s, {});
  const auto over = [&] {
    if (publishing.load() != 0) return false;
    const std::lock_guard lock(mutex);
    return std::all_of(subscriptions.begin(), subscriptions.end(),
                       [](const auto& s) { return s->takes_replies; });
  };
  bool clean = wait_idle(drained_by_, over) && threads.quiet_until(drained_by_);
  if (!clean) {
    request_stop({});
    clean = wait_idle(over_by_, over) && threads.quiet_until(over_by_);
  }
  // Handlers could still ask, and hear the reply; from here on nobody can.
  replies.close();
  for (const auto& s : all)
    if (s->takes_replies) retire(s, {});
  all.clear();
  report_.delayed += delayed.cancel_all();
  state.store(phase::closed);
  thread_registry::heavy_fence();
  const deadline moment(rt->now_ns() + winding_up_ns);
  const deadline& last = over_by_.ns() > moment.ns() ? over_by_ : moment;
  const bool nothing_left = wait_idle(last, [&] {
    const std::lock_guard lock(mutex);
    return subscriptions.empty();
  });
  clean = clean && nothing_left && threads.quiet_until(last);  // who saw "draining" just before
  clean = health_asker_.wait(last) && clean;
  if (admin_ != nullptr) clean = admin_->wait(last) && clean;

  std::unique_lock lock(mutex);
  report_.clean = clean;
  report_.metrics = plugin_metrics.read();
  threads.inspect(
      [&](const thread_record& t) { report_.published += t.published.load(std::memory_order_relaxed); });
  report_.published += published.load();
  for (const auto& s : subscriptions) {
    s->count_abandoned();
    if (s->is_onlooker) continue;
    finished.emplace_back(s->number_in_order, close_report::entry{s->pattern, s->options.group, s->counts()});
  }
  report_.earlier = finished_earlier;
  std::sort(finished.begin(), finished.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (auto& [order, entry] : finished) report_.subscriptions.push_back(std::move(entry));
  if (!clean) {
    // Handlers that still run keep their frames, their threads and the plugins they came from.
    log->finish();
    log->write(POSTBUS_LOG_ERROR, "bus",
               "close: " + std::to_string(report_.total().abandoned) +
                   " deliveries abandoned after the deadline and the grace");
    if (admin_ != nullptr) admin_->abandon();
    static auto* abandoned = new std::vector<std::shared_ptr<engine>>;
    static auto* abandoned_mutex = new std::mutex;
    const std::lock_guard keep(*abandoned_mutex);
    abandoned->push_back(shared_from_this());
    return;
  }
  lock.unlock();
  stop_plugins();
  log->finish();
  rt->stop();
  destroy_plugins();
}

}  // namespace postbus::detail
