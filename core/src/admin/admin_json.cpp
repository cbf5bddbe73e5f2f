#include "admin_json.hpp"

#include "event/timestamp.hpp"

#include <postbus/sdk/text.hpp>
#include <postbus/sdk/topic.hpp>

#include <cmath>

namespace postbus::detail {
namespace {

// Members that have nothing to say are left out.
void put(json::object& to, std::string_view name, std::string_view value) {
  if (!value.empty()) to[name] = json_text(value);
}

json::object labels_json(const metric& m) {
  json::object labels;
  for (const auto& [name, value] : m.labels) labels[name] = json_text(value);
  return labels;
}

// JSON has no number for infinity.
json::value bound_json(double bound) {
  return std::isinf(bound) ? json::value(json::string("+Inf")) : json::value(bound);
}

std::string_view name_of(metric::kind type) noexcept {
  switch (type) {
    case metric::kind::gauge:
      return "gauge";
    case metric::kind::histogram:
      return "histogram";
    case metric::kind::counter:
      break;
  }
  return "counter";
}

json::object to_json(const delivery_counts& c) {
  json::object o{{"taken_on", c.taken_on}, {"started", c.started}, {"retried", c.retried}};
  for (const auto& [name, outcome] : delivery_outcomes) o[name] = c.*outcome;
  return o;
}

}  // namespace

json::string json_text(std::string_view bytes) { return json::string(sdk::valid_utf8(bytes)); }

std::string time_text(std::chrono::system_clock::time_point time) {
  std::string text;
  append_timestamp(text, std::chrono::nanoseconds(time.time_since_epoch()).count());
  return text;
}

json::object captures_json(std::string_view pattern, std::string_view topic) {
  json::object params;
  sdk::captures(pattern, topic, [&](std::string_view name, std::string_view value) {
    params[json_text(name)] = json_text(value);
  });
  return params;
}

json::object to_json(const running_delivery& d) {
  json::object params;
  for (const auto& [name, value] : d.params) params[json_text(name)] = json_text(value);
  return {{"id", json_text(d.id)},
          {"topic", json_text(d.topic)},
          {"pattern", json_text(d.pattern)},
          {"group", json_text(d.group)},
          {"params", std::move(params)},
          {"running_for_ns", d.running_for.count()},
          {"attempt", d.attempt},
          {"stop_requested", d.stop_requested}};
}

json::object to_json(const engine::subscribed& s) {
  return {{"pattern", json_text(s.pattern)},
          {"group", json_text(s.group)},
          {"subscribers", s.subscribers},
          {"open", s.open},
          {"counts", to_json(s.counts)}};
}

json::object to_json(const component_health& c) {
  json::object part{{"name", json_text(c.name)}};
  put(part, "plugin", c.plugin);
  part["required"] = c.required;
  part["state"] = to_string(c.state);
  put(part, "reason", c.reason);
  put(part, "remedy", c.remedy);
  part["since"] = time_text(c.since);
  if (c.latency) {
    part["latency_ns"] = c.latency->count();
    part["latency_class"] = latency_class(*c.latency);
  }
  if (c.facts.empty()) return part;
  boost::system::error_code ec;
  json::value facts = json::parse(c.facts, ec);
  part["facts"] = ec ? json::value(json_text(c.facts)) : std::move(facts);
  return part;
}

json::object to_json(const health& h) {
  return {{"state", to_string(h.state)},
          {"live", h.live},
          {"ready", h.ready},
          {"components", list_json(h.components)}};
}

json::object to_json(const metric& m) {
  json::object o{{"name", json_text(m.name)}, {"help", json_text(m.help)}, {"type", name_of(m.type)}};
  if (!m.labels.empty()) o["labels"] = labels_json(m);
  o["value"] = m.value;
  if (m.type != metric::kind::histogram) return o;
  json::array buckets;
  for (const metric::bucket& b : m.buckets)
    buckets.push_back(json::object{{"le", bound_json(b.upper_bound)}, {"count", b.count}});
  o["buckets"] = std::move(buckets);
  return o;
}

json::object to_json(const error& e) {
  json::object o{{"code", code_name(e.code())}, {"message", json_text(e.what())}};
  put(o, "found", e.found());
  put(o, "wanted", e.wanted());
  put(o, "remedy", e.remedy());
  return o;
}

}  // namespace postbus::detail
