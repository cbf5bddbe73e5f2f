#include "metrics.hpp"

#include "bus_metrics.hpp"

#include <postbus/plugin.h>

#include <algorithm>

namespace postbus::detail {
namespace {

bool is_metric_name(std::string_view name) noexcept {
  return !name.empty() && name.front() >= 'a' && name.front() <= 'z' &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

bool drop_end(std::string& text, std::string_view end) {
  if (!text.ends_with(end)) return false;
  text.resize(text.size() - end.size());
  return true;
}

// The name under which it is shown: "events" of the counters of size-limit is postbus_size_limit_events_total.
std::string full_name(std::string_view plugin, std::int32_t kind, std::string_view name) {
  std::string prefix = "postbus_" + std::string(plugin) + "_";
  std::replace(prefix.begin(), prefix.end(), '-', '_');
  std::string full(name);
  if (!full.starts_with(prefix)) full.insert(0, prefix);
  if (kind == POSTBUS_COUNTER) drop_end(full, "_total");
  if (drop_end(full, "_ns")) full += "_seconds";
  if (kind == POSTBUS_COUNTER) full += "_total";
  return full;
}

metric::kind to_kind(std::int32_t kind) noexcept {
  return kind == POSTBUS_GAUGE       ? metric::kind::gauge
         : kind == POSTBUS_HISTOGRAM ? metric::kind::histogram
                                     : metric::kind::counter;
}

}  // namespace

metric_registry::definition metric_registry::define(std::string_view plugin, std::string_view transport,
                                                    std::int32_t kind, std::string_view name,
                                                    std::string_view help) {
  const std::string quoted = "the metric '" + std::string(name) + "'";
  if (!is_metric_name(name))
    return {0,
            quoted + " is not defined: a name is a letter, and then letters, digits and '_', all lower-case"};
  if (kind < POSTBUS_COUNTER || kind > POSTBUS_HISTOGRAM)
    return {0, quoted + " is not defined: its kind is " + std::to_string(kind) + ", which there is not"};
  if (kind != POSTBUS_COUNTER && name.ends_with("_total"))
    return {0, quoted + " is not defined: only the name of a counter ends in _total"};
  metric what;
  what.name = full_name(plugin, kind, name);
  what.help = help;
  what.type = to_kind(kind);
  if (!transport.empty()) what.labels.emplace_back("transport", transport);

  const std::lock_guard lock(mutex_);
  const bool is_taken =
      is_own_metric(what.name) || std::any_of(cells_.begin(), cells_.end(), [&](const cell& c) {
        return c.what.name == what.name && (c.what.labels == what.labels || c.what.type != what.type);
      });
  if (is_taken) return {0, quoted + " is not defined: there is one with the name " + what.name};
  if (cells_.size() == metrics_max)
    return {0,
            quoted + " is not defined: " + std::to_string(metrics_max) + " are all that a bus has room for"};
  cell& c = cells_.emplace_back();
  const bool is_time = what.name.ends_with("_seconds") || what.name.ends_with("_seconds_total");
  c.unit = is_time && (name.ends_with("_ns") || name.ends_with("_ns_total")) ? 1e9 : 1;
  if (kind == POSTBUS_HISTOGRAM)
    c.values = std::make_unique<histogram>(c.unit == 1 ? 1 : histogram::first_of_times);
  c.what = std::move(what);
  const auto number = static_cast<std::uint32_t>(cells_.size());
  by_number_[number - 1].store(&c, std::memory_order_release);
  return {number, {}};
}

void metric_registry::add(std::uint32_t number, std::int64_t value) noexcept {
  if (number == 0 || number > metrics_max) return;
  cell* c = by_number_[number - 1].load(std::memory_order_acquire);
  if (c == nullptr) return;
  if (c->values != nullptr) c->values->observe(value);
  else if (value > 0 || c->what.type == metric::kind::gauge)
    c->value.fetch_add(value, std::memory_order_relaxed);
}

std::vector<metric> metric_registry::read() const {
  const std::lock_guard lock(mutex_);
  std::vector<metric> all;
  for (const cell& c : cells_) {
    metric& m = all.emplace_back(c.what);
    if (c.values != nullptr) c.values->read(m, c.unit);
    else m.value = static_cast<double>(c.value.load(std::memory_order_relaxed)) / c.unit;
  }
  return all;
}

}  // namespace postbus::detail
