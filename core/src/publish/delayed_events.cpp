#include "delayed_events.hpp"

#include "engine/engine.hpp"

#include <algorithm>

namespace postbus::detail {
namespace {

constexpr std::int64_t room_ns = 30'000'000'000;  // how long an event that is due may wait for room

}  // namespace

error_code delayed_events::add(event_record& event, transport_slot& to, std::int64_t delay_ns) {
  event_record* kept = event.keep();
  auto made = std::unique_ptr<waiting>(new (std::nothrow) waiting{&owner_, kept, &to, 0});
  if (made == nullptr) return kept->release(), make_error_code(boost::system::errc::not_enough_memory);
  const std::lock_guard lock(mutex_);
  if (all_.size() >= most_.events || bytes_ + kept->data.len > most_.bytes)
    return make_error_code(error::full);
  all_.insert(made.get());
  bytes_ += kept->data.len;
  waiting* const w = made.release();
  w->timer = owner_.rt->timer(delay_ns, {&due, w});
  return {};
}

void delayed_events::take_out(const waiting& w) noexcept {
  const auto [first, last] = all_.equal_range(w.id());
  const auto found = std::find(first, last, &w);
  if (found == last) return;
  bytes_ -= w.event->data.len;
  all_.erase(found);
}

// A timer's done owns what waits for it: it is short, so what is due is published by a worker.
void delayed_events::due(void* ctx, std::int32_t status, const void*, const postbus_error*) {
  auto* w = static_cast<waiting*>(ctx);
  delayed_events& self = w->owner->delayed;
  {
    const std::lock_guard lock(self.mutex_);
    self.take_out(*w);
  }
  if (status != POSTBUS_OK) return delete w;
  w->owner->publishing.fetch_add(1);
  w->owner->rt->post(&publish, w);
}

void delayed_events::publish(void* ctx) {
  const std::unique_ptr<waiting> w(static_cast<waiting*>(ctx));
  engine& owner = *w->owner;
  auto p = std::make_unique<async_publish>(owner.shared_from_this());
  p->event = w->event->keep();
  p->to = w->to;
  p->deadline_ns = owner.rt->now_ns() + room_ns;
  p->direct = [&owner, raw = p.get()](error_code ec, receipt) {
    if (!ec) return;
    owner.log->burst(POSTBUS_LOG_ERROR, "bus", "delayed " + raw->to->name,
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
    const auto [first, last] = all_.equal_range(id);
    for (auto at = first; at != last; ++at) timers.push_back((*at)->timer);
  }
  for (const auto timer : timers) owner_.rt->cancel(timer);
  return timers.size();
}

std::size_t delayed_events::cancel_all() {
  std::vector<runtime::timer_id> timers;
  {
    const std::lock_guard lock(mutex_);
    for (const waiting* w : all_) timers.push_back(w->timer);
  }
  for (const auto timer : timers) owner_.rt->cancel(timer);
  return timers.size();
}

std::size_t delayed_events::size() const {
  const std::lock_guard lock(mutex_);
  return all_.size();
}

}  // namespace postbus::detail
