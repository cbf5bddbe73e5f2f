#include "delayed_events.hpp"

#include "engine/engine.hpp"

#include <array>

namespace postbus::detail {
namespace {

constexpr std::int64_t room_ns = 30'000'000'000;  // how long an event that is due may wait for room
constexpr std::size_t at_once = 64;               // that are due

}  // namespace

bool delayed_events::keeps(const transport_slot& to, std::int64_t delay_ns) noexcept {
  return delay_ns > 0 && (to.can & POSTBUS_CAN_DELAY) == 0;
}

error_code delayed_events::add(event_record& event, transport_slot& to, std::int64_t delay_ns) {
  const std::lock_guard lock(mutex_);
  if (all_.size() >= most_.events || bytes_ + event.data.len > most_.bytes)
    return make_error_code(error::full);
  event.fill();
  const auto at = all_.emplace(std::piecewise_construct, std::tuple(hash(sdk::view(event.id))),
                               std::tuple(std::ref(owner_), std::ref(event), std::ref(to)));
  bytes_ += event.data.len;
  at->second.timer = owner_.rt->timer(delay_ns, {&due, &*at});
  return {};
}

delayed_events::table::node_type delayed_events::take_out(const table::value_type& w) noexcept {
  auto [at, last] = all_.equal_range(w.first);
  while (&*at != &w) ++at;
  bytes_ -= w.second.event->data.len;
  return all_.extract(at);
}

// A timer's done is short: what is due is published by a worker, which takes along what came meanwhile, and is not woken for each.
void delayed_events::due(void* ctx, std::int32_t status, const void*, const postbus_error*) {
  auto& entry = *static_cast<table::value_type*>(ctx);
  engine& owner = *entry.second.owner;
  delayed_events& self = owner.delayed;
  table::node_type over;  // released without the lock
  std::unique_lock lock(self.mutex_);
  over = self.take_out(entry);
  if (status != POSTBUS_OK) return;
  owner.publishing.fetch_add(1);
  self.due_.push_back(std::move(over));
  const bool is_first = !std::exchange(self.publishes_, true);
  lock.unlock();
  if (is_first) owner.rt->post(&publish_due, &self);
}

void delayed_events::publish_due(void* ctx) {
  auto& self = *static_cast<delayed_events*>(ctx);
  std::array<table::node_type, at_once> some;
  std::size_t n = 0;
  bool more = false;
  {
    const std::lock_guard lock(self.mutex_);
    for (; n < some.size() && !self.due_.empty(); ++n) {
      some[n] = std::move(self.due_.front());
      self.due_.pop_front();
    }
    more = self.publishes_ = !self.due_.empty();
  }
  for (std::size_t i = 0; i < n; ++i) self.publish(some[i].mapped());
  // Others get their turn. Without more the bus may be gone by now.
  if (more) self.owner_.rt->post(&publish_due, &self);
}

void delayed_events::publish(waiting& w) {
  auto p = std::make_unique<async_publish>(owner_.shared_from_this());
  p->event = std::exchange(w.event, nullptr);
  p->to = w.to;
  p->deadline_ns = owner_.rt->now_ns() + room_ns;
  p->direct = [raw = p.get()](error_code ec, receipt) {
    if (!ec) return;
    raw->owner->log->burst(POSTBUS_LOG_ERROR, "bus", "delayed " + raw->to->name,
                           "delayed event " + std::string(sdk::view(raw->event->id)) + " on '" +
                               std::string(sdk::view(raw->event->topic)) + "' was not published on [" +
                               raw->to->path + "]: " + ec.message() +
                               (raw->detail.empty() ? "" : ": " + raw->detail));
  };
  engine::hand_over(std::move(p));
}

std::size_t delayed_events::cancel(std::string_view id) {
  std::vector<runtime::timer_id> timers;
  {
    const std::lock_guard lock(mutex_);
    const auto [first, last] = all_.equal_range(hash(id));
    for (auto at = first; at != last; ++at)
      if (sdk::view(at->second.event->id) == id) timers.push_back(at->second.timer);
  }
  for (const auto timer : timers) owner_.rt->cancel(timer);
  return timers.size();
}

std::size_t delayed_events::cancel_all() {
  std::vector<runtime::timer_id> timers;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [hash, w] : all_) timers.push_back(w.timer);
  }
  for (const auto timer : timers) owner_.rt->cancel(timer);
  return timers.size();
}

std::size_t delayed_events::size() const {
  const std::lock_guard lock(mutex_);
  return all_.size();
}

}  // namespace postbus::detail
