// What is in flight (handlers that run, settlements taken along): listing it, and asking it to stop.
#include "engine/engine.hpp"

#include <postbus/sdk/topic.hpp>

#include <algorithm>

namespace postbus::detail {
namespace {

std::vector<postbus_pair> captures_of(const delivery_state& d) {
  std::vector<postbus_pair> params;
  sdk::captures(d.subscription->pattern, sdk::view(d.event->topic),
                [&](std::string_view name, std::string_view value) {
                  params.push_back({sdk::str(name), sdk::str(value)});
                });
  return params;
}

// A lent event's id is made by its own thread when somebody asks for it: it cannot be looked at from here.
std::string_view id_of(const delivery_state& d) {
  return event_record::of(d.event).references.load(std::memory_order_relaxed) != 0 ? sdk::view(d.event->id)
                                                                                   : std::string_view();
}

// 0: no feature was asked about it.
std::uint64_t ticket_of(const delivery_state& d) {
  return d.is_item ? static_cast<const item&>(d).marks.ticket : 0;
}

bool fits(const delivery_state& d, engine::selector where) {
  const auto params = captures_of(d);
  return std::all_of(where.begin(), where.end(), [&](const auto& wanted) {
    if (wanted.first.empty()) return wanted.second == std::to_string(ticket_of(d));
    return std::any_of(params.begin(), params.end(), [&](const postbus_pair& p) {
      return sdk::view(p.name) == wanted.first && sdk::view(p.value) == wanted.second;
    });
  });
}

}  // namespace

void engine::for_each_running(const std::function<void(delivery_state&)>& f) {
  std::vector<std::shared_ptr<subscription_state>> all;
  {
    const std::lock_guard lock(mutex);
    all = subscriptions;
  }
  for (const auto& s : all)
    if (s->runs_coroutines() && !s->is_onlooker) s->for_each_running_coroutine(f);
  threads.inspect([&](thread_record& thread) {
    for (delivery_state* d = thread.running.load(std::memory_order_acquire); d != nullptr; d = d->outer)
      if (!d->subscription->runs_coroutines() && !d->subscription->is_onlooker) f(*d);
  });
}

void engine::for_each_in_flight(const std::function<void(delivery_state&)>& f) {
  std::vector<std::shared_ptr<subscription_state>> all;
  {
    const std::lock_guard lock(mutex);
    all = subscriptions;
  }
  std::vector<const delivery_state*> seen;  // items whose handlers run
  for_each_running([&](delivery_state& d) {
    const item* promoted = d.promoted.load(std::memory_order_acquire);
    seen.push_back(promoted != nullptr ? promoted : &d);
    f(d);
  });
  for (const auto& s : all)
    if (!s->is_onlooker)
      s->for_each_deferred([&](delivery_state& d) {
        if (std::find(seen.begin(), seen.end(), &d) == seen.end()) f(d);
      });
}

std::vector<running_delivery> engine::in_flight() {
  std::vector<running_delivery> list;
  for_each_in_flight([&](delivery_state& d) {
    running_delivery r;
    r.id = id_of(d);
    r.topic = sdk::view(d.event->topic);
    r.pattern = d.subscription->pattern;
    r.group = d.subscription->options.group;
    for (const postbus_pair& p : captures_of(d)) r.params.emplace_back(sdk::view(p.name), sdk::view(p.value));
    r.running_for = std::chrono::nanoseconds(std::max<std::int64_t>(0, rt->now_ns() - d.since_ns));
    r.attempt = d.attempt;
    r.stop_requested = d.stop_requested();
    list.push_back(std::move(r));
  });
  return list;
}

std::size_t engine::list_running(selector where, const std::function<void(const postbus_work&)>& each) {
  struct line {
    std::string id, topic;
    std::shared_ptr<subscription_state> subscription;
    std::int64_t since_ns;
    std::uint64_t ticket;
    std::uint32_t attempt, stop_requested;
  };
  std::vector<line> lines;
  for_each_in_flight([&](delivery_state& d) {
    if (!fits(d, where)) return;
    lines.push_back({std::string(id_of(d)), std::string(sdk::view(d.event->topic)),
                     d.subscription->shared_from_this(), d.since_ns, ticket_of(d), d.attempt,
                     d.stop_requested()});
  });
  // Told without a lock: who listens may call back.
  for (const line& l : lines) {
    std::vector<postbus_pair> params;
    sdk::captures(l.subscription->pattern, l.topic, [&](std::string_view name, std::string_view value) {
      params.push_back({sdk::str(name), sdk::str(value)});
    });
    each({sdk::str(l.id), sdk::str(l.topic), sdk::str(l.subscription->pattern), params.data(), params.size(),
          l.since_ns, l.ticket, l.attempt, l.stop_requested});
  }
  return lines.size();
}

std::size_t engine::request_stop(selector where) {
  std::vector<std::stop_source> sources;
  std::size_t asked = 0;
  for_each_in_flight([&](delivery_state& d) {
    if (!fits(d, where)) return;
    ++asked;
    if (auto found = d.mark_stop()) sources.push_back(std::move(*found));
  });
  for (std::stop_source& s : sources) s.request_stop();  // runs the application's callbacks: without a lock
  return asked;
}

bool delivery_state::stop_requested() const noexcept {
  if (stop_asked.load(std::memory_order_relaxed)) return true;
  // An inline handler that took its settlement along: asked is the item, which shares the source.
  const std::stop_source* source = stop.load(std::memory_order_acquire);
  return source != nullptr && source->stop_requested();
}

std::stop_source& delivery_state::make_stop_source() {
  std::stop_source* source = stop.load(std::memory_order_acquire);
  if (source == nullptr) {
    auto made = std::make_unique<std::stop_source>();
    if (stop.compare_exchange_strong(source, made.get())) source = made.release();
    if (stop_asked.load()) source->request_stop();
  }
  return *source;
}

std::optional<std::stop_source> delivery_state::mark_stop() {
  stop_asked.store(true);
  if (std::stop_source* source = stop.load()) return *source;
  return std::nullopt;
}

}  // namespace postbus::detail
