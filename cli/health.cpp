// postbus health: how the running bus and its parts are.
#include "bus_access.hpp"
#include "json_fields.hpp"
#include "units.hpp"

#include <postbus/health.hpp>

#include <boost/json/array.hpp>
#include <unistd.h>

namespace postbus::cli {
namespace {

namespace json = boost::json;

constexpr manual about{
    "health",
    "shows how the running bus and its parts are",
    "A row for each part: its state (healthy, degraded, unhealthy: expected to heal, error: will not heal "
    "without a person), since when, "
    "and what its own probe took. Below, why a part is not healthy and what to do.",
    "postbus health\npostbus health --quiet || echo 'not ready'",
    "0  ready: running, and every required part is healthy or degraded\n1  not ready, or no bus answers\n",
    "postbus metrics, postbus inflight"};

style look_of(const std::string& state) {
  return state == "healthy" ? style::green : state == "degraded" ? style::yellow : style::red;
}

std::string latency_of(const json::object& c) {
  if (!c.contains("latency_ns")) return "-";
  const std::chrono::nanoseconds latency(static_cast<std::int64_t>(number_at(c, "latency_ns")));
  return show_duration(latency) + " " + std::string(latency_class(latency));
}

// "2026-11-20T16:49:06.123456789Z" to the second.
std::string to_the_second(const std::string& time) {
  return time.size() > 20 && time[19] == '.' ? time.substr(0, 19) + "Z" : time;
}

std::string show(const json::object& health, bool color) {
  table t({"PART", "PLUGIN", "STATE", "SINCE", "LATENCY"});
  std::string why;
  for (const json::value& one : list_at(health, "components")) {
    const json::object& c = as_object(one);
    const std::string state = text_at(c, "state"), plugin = text_at(c, "plugin"), name = text_at(c, "name");
    t.add({name + (c.contains("required") && !true_at(c, "required") ? " (optional)" : ""),
           plugin.empty() ? "-" : plugin, table::cell(state, look_of(state)),
           to_the_second(text_at(c, "since")), latency_of(c)});
    const std::string reason = text_at(c, "reason"), remedy = text_at(c, "remedy");
    if (!reason.empty() || !remedy.empty())
      why += name + ": " + reason + (remedy.empty() ? "" : "; " + remedy) + "\n";
  }
  const std::string state = text_at(health, "state");
  return styled(state, look_of(state), color) + ", " + (true_at(health, "live") ? "live" : "not live") +
         ", " + (true_at(health, "ready") ? "ready" : "not ready") + "\n" + t.text(color) + why;
}

exit_status health(const common_options& common) {
  const json::value answer = require_running_bus(common)->call("health", {});
  if (common.json) print_json(answer);
  else if (!common.quiet) print(show(as_object(answer), wants_color(common.color, STDOUT_FILENO)));
  return true_at(as_object(answer), "ready") ? exit_status::ok : exit_status::failed;
}

constexpr manual about_metrics{"metrics",
                               "prints the metrics of the running bus",
                               "In the text format of Prometheus, or as JSON.",
                               "postbus metrics | grep published\npostbus metrics --json",
                               "",
                               "postbus health"};

exit_status metrics(const common_options& common) {
  const json::value answer =
      require_running_bus(common)->call("metrics", {{"format", common.json ? "json" : "prometheus"}});
  if (common.json) print_json(answer);
  else print(answer.is_string() ? std::string(answer.get_string()) : text_at(as_object(answer), "text"));
  return exit_status::ok;
}

}  // namespace

void add_health(CLI::App& app, invocation& i) { add_verb(app, i, about, health); }
void add_metrics(CLI::App& app, invocation& i) { add_verb(app, i, about_metrics, metrics); }

}  // namespace postbus::cli
