// What bus.metrics() gathers: the bus's own figures, from counters that are there anyway, and those of its plugins.
#include "bus_metrics.hpp"

#include "admin/admin_counts.hpp"
#include "engine/engine.hpp"

#include <postbus/sdk/text.hpp>

#include <algorithm>

namespace postbus::detail {
namespace {

using labels = std::vector<std::pair<std::string, std::string>>;

void put(std::vector<metric>& all, const own_metric& what, labels of, double value) {
  metric& m = all.emplace_back();
  m.name = what.name;
  m.help = what.help;
  m.type = what.type;
  m.labels = std::move(of);
  m.value = value;
}

void put(std::vector<metric>& all, const own_metric& what, const labels& of, const histogram& values) {
  put(all, what, of, 0.0);
  values.read(all.back(), 1e9);
}

void add_admin_metrics(std::vector<metric>& all, const admin_counts& counts) {
  const auto value = [](const admin_counts::counter& c) {
    return static_cast<double>(c.load(std::memory_order_relaxed));
  };
  put(all, own::admin_clients, {}, value(counts.clients));
  put(all, own::admin_subscriptions, {}, value(counts.subscriptions));
  put(all, own::admin_refused, {{"what", "client"}}, value(counts.turned_away));
  put(all, own::admin_refused, {{"what", "stranger"}}, value(counts.strangers));
  put(all, own::admin_refused, {{"what", "line"}}, value(counts.refused_lines));
  put(all, own::admin_discarded, {}, value(counts.discarded_events));
}

// Of the subscriptions with one pattern and group, those too that are gone while others are there.
struct together {
  delivery_counts ended;
  std::uint64_t open = 0, waiting = 0, running = 0;
};

}  // namespace

void engine::count_refused(const error_code& ec) noexcept {
  if (!ec) return;
  const bool known =
      ec.category() == error_category() && ec.value() > 0 && ec.value() < static_cast<int>(refused_.size());
  refused_[known ? static_cast<std::size_t>(ec.value()) : 0].fetch_add(1, std::memory_order_relaxed);
}

// The last of its pattern and group takes their series along; what they counted is kept in one sum, so that no total goes back.
void engine::count_gone(const subscription_state& s, const delivery_counts& counts) {
  subscription_name name{s.pattern, s.options.group};
  const bool last = std::none_of(subscriptions.begin(), subscriptions.end(), [&](const auto& other) {
    return !other->is_onlooker && other->pattern == name.first && other->options.group == name.second;
  });
  if (!last) return add_up(gone_[name], counts);
  delivery_counts& sum = gone_[ended_name];
  add_up(sum, counts);
  if (const auto earlier = gone_.extract(name)) add_up(sum, earlier.mapped());
  const std::lock_guard lock(times_mutex_);
  if (const auto found = times_.extract(name)) {
    auto& times = times_[ended_name];
    if (times == nullptr) times = std::make_unique<handler_times>();
    times->handler.add(found.mapped()->handler);
    times->end_to_end.add(found.mapped()->end_to_end);
  }
}

handler_times& engine::times_of(const subscription_state& s) {
  const std::lock_guard lock(times_mutex_);
  auto& times = times_[{s.pattern, s.options.group}];
  if (times == nullptr) times = std::make_unique<handler_times>();
  return *times;
}

void engine::add_delivery_metrics(std::vector<metric>& all) {
  std::map<subscription_name, together> by_name;
  std::vector<std::shared_ptr<subscription_state>> live;
  {
    const std::lock_guard lock(mutex);
    live = subscriptions;
    for (const auto& [name, counts] : gone_) add_up(by_name[name].ended, counts);
  }
  for (const auto& s : live) {
    if (s->is_onlooker) continue;
    together& t = by_name[{s->pattern, s->options.group}];
    add_up(t.ended, s->counts());
    t.open += s->open();
    t.waiting += s->waiting();
  }
  for_each_running([&](const delivery_state& d) {
    ++by_name[{d.subscription->pattern, d.subscription->options.group}].running;
  });
  const auto each = [&](const own_metric& what, auto value) {
    for (const auto& [name, t] : by_name)
      put(all, what, {{"subscription", name.first}, {"group", sdk::valid_utf8(name.second)}},
          static_cast<double>(value(t)));
  };
  each(own::taken_on, [](const together& t) { return t.ended.taken_on; });
  for (const auto& [outcome, count] : delivery_outcomes)
    for (const auto& [name, t] : by_name)
      put(all, own::deliveries,
          {{"subscription", name.first},
           {"group", sdk::valid_utf8(name.second)},
           {"outcome", std::string(outcome)}},
          static_cast<double>(t.ended.*count));
  each(own::started, [](const together& t) { return t.ended.started; });
  each(own::retried, [](const together& t) { return t.ended.retried; });
  each(own::open, [](const together& t) { return t.open; });
  each(own::running, [](const together& t) { return t.running; });
  each(own::waiting, [](const together& t) { return t.waiting; });
  const std::lock_guard lock(times_mutex_);
  for (const auto* what : {&own::handler, &own::end_to_end})
    for (const auto& [name, times] : times_)
      put(all, *what, {{"subscription", name.first}, {"group", sdk::valid_utf8(name.second)}},
          what == &own::handler ? times->handler : times->end_to_end);
}

std::vector<metric> engine::metrics() {
  std::vector<metric> all;
  std::uint64_t confirmed = published.load();
  threads.inspect([&](const thread_record& t) { confirmed += t.published.load(std::memory_order_relaxed); });
  put(all, own::published, {}, static_cast<double>(confirmed));
  for (std::size_t i = 0; i < refused_.size(); ++i)
    if (const auto n = refused_[i].load(std::memory_order_relaxed); n > 0)
      put(all, own::refused,
          {{"error", i == 0 ? "other" : std::string(code_name(static_cast<error::errc>(i)))}},
          static_cast<double>(n));
  put(all, own::publishing, {}, static_cast<double>(publishing.load()));
  put(all, own::delayed, {}, static_cast<double>(delayed.size()));
  put(all, own::requests, {}, static_cast<double>(replies.waiting()));
  if (const auto late = replies.late(); late > 0) put(all, own::late_replies, {}, static_cast<double>(late));
  add_delivery_metrics(all);
  for (const auto& t : transports)
    for (std::size_t kind = 0; kind < notice_names.size(); ++kind)
      if (const auto n = t->notices[kind].load(std::memory_order_relaxed); n > 0)
        put(all, own::notices, {{"transport", t->name}, {"kind", std::string(notice_names[kind])}},
            static_cast<double>(n));
  for (const auto& t : transports)
    if (const auto n = t->missed.load(std::memory_order_relaxed); n > 0)
      put(all, own::notice_events, {{"transport", t->name}}, static_cast<double>(n));
  const auto lines = log->lines();
  for (std::size_t level = 0; level < lines.size(); ++level)
    put(all, own::log_lines, {{"level", std::string(to_string(static_cast<log_level>(level)))}},
        static_cast<double>(lines[level]));
  for (const component_health& c : components.read())
    put(all, own::health, {{"component", c.name}}, static_cast<double>(c.state));
  if (admin_counts() != nullptr) add_admin_metrics(all, *admin_counts());
  for (metric& m : plugin_metrics.read()) all.push_back(std::move(m));
  return all;
}

}  // namespace postbus::detail
