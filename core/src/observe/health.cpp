#include "health.hpp"

#include "text/json.hpp"

#include <algorithm>

namespace postbus {

using namespace std::chrono_literals;

std::string_view to_string(health_state state) noexcept {
  switch (state) {
    case health_state::healthy:
      return "healthy";
    case health_state::degraded:
      return "degraded";
    case health_state::unhealthy:
      return "unhealthy";
    case health_state::error:
      return "error";
  }
  return "unknown";
}

std::string_view latency_class(std::chrono::nanoseconds latency) noexcept {
  if (latency < 1ms) return "excellent";
  if (latency < 5ms) return "good";
  if (latency < 20ms) return "acceptable";
  if (latency < 100ms) return "poor";
  return "critical";
}

namespace detail {

void health_board::add(std::string_view name, std::string_view plugin, bool required, std::int64_t wall_ns) {
  const std::lock_guard lock(mutex_);
  if (find(name) != nullptr) return;
  component& c = components_.emplace_back();
  c.shown.name = name;
  c.shown.plugin = plugin;
  c.shown.required = required;
  c.shown.since = std::chrono::system_clock::time_point(std::chrono::nanoseconds(wall_ns));
}

void health_board::report(std::string_view name, condition what, std::int64_t wall_ns) {
  const std::lock_guard lock(mutex_);
  component* c = find(name);
  if (c == nullptr) return;
  c->said = std::move(what);
  show(*c, wall_ns);
}

void health_board::answered(std::string_view name, std::optional<condition> what, std::int64_t wall_ns) {
  const std::lock_guard lock(mutex_);
  component* c = find(name);
  if (c == nullptr) return;
  c->answer = std::move(what);
  show(*c, wall_ns);
}

std::vector<component_health> health_board::read() const {
  const std::lock_guard lock(mutex_);
  std::vector<component_health> all;
  for (const component& c : components_) all.push_back(c.shown);
  return all;
}

health_board::component* health_board::find(std::string_view name) {
  const auto found = std::find_if(components_.begin(), components_.end(),
                                  [&](const component& c) { return c.shown.name == name; });
  return found != components_.end() ? &*found : nullptr;
}

void health_board::show(component& c, std::int64_t wall_ns) {
  const condition& now = c.answer ? *c.answer : c.said;
  if (now.state != c.shown.state)
    c.shown.since = std::chrono::system_clock::time_point(std::chrono::nanoseconds(wall_ns));
  c.shown.state = now.state;
  c.shown.reason = now.reason;
  c.shown.remedy = now.remedy;
}

health_state worst_of(const std::vector<component_health>& components) noexcept {
  health_state worst = health_state::healthy;
  for (const component_health& c : components)
    worst = std::max(worst, c.required ? c.state : std::min(c.state, health_state::degraded));
  return worst;
}

health_answer read_health(std::string_view text) {
  const auto wrong = [&](const char* what) {
    return health_board::condition{
        health_state::unhealthy,
        std::string("its method 'health' answers ") + what + ": " + std::string(text.substr(0, 100)),
        "this is a fault of the plugin"};
  };
  boost::system::error_code ec;
  const json::value parsed = json::parse({text.data(), text.size()}, ec);
  if (ec || !parsed.is_object()) return {false, wrong("no JSON object")};
  const auto word = [&](const char* name) -> std::string_view {
    const json::value* v = parsed.get_object().if_contains(name);
    return v != nullptr && v->is_string() ? std::string_view(v->get_string()) : std::string_view();
  };
  if (!parsed.get_object().contains("state")) return {true, std::nullopt};
  for (const auto state :
       {health_state::healthy, health_state::degraded, health_state::unhealthy, health_state::error})
    if (word("state") == to_string(state))
      return {true, health_board::condition{state, std::string(word("reason")), std::string(word("remedy"))}};
  return {true, wrong("with a state that there is not")};
}

}  // namespace detail
}  // namespace postbus
