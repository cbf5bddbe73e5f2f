// postbus inflight and postbus stop: the deliveries that are at work, and asking them to stop.
#include "bus_access.hpp"
#include "json_fields.hpp"
#include "units.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <unistd.h>

#include <iostream>

namespace postbus::cli {
namespace {

namespace json = boost::json;

constexpr manual about{
    "inflight",
    "lists the deliveries that are in flight on the running bus",
    "For each the topic, the subscription, the attempt, how long it has been running, and "
    "whether it was asked to stop: handlers that run, and deliveries whose settlement was taken "
    "along, as a client of the admin socket does until it acknowledges.",
    "postbus inflight\npostbus inflight --json | jq '.[] | .topic'",
    "",
    "postbus stop, postbus health"};

exit_status inflight(const common_options& common) {
  const json::value answer = require_running_bus(common)->call("inflight", {});
  if (common.json) {
    print_json(answer);
    return exit_status::ok;
  }
  table t({"TOPIC", "ID", "PATTERN", "GROUP", "ATTEMPT", "RUNNING", "STOP"});
  for (const json::value& one : list_at(answer, "inflight")) {
    const json::object& d = as_object(one);
    t.add({text_at(d, "topic"), text_at(d, "id"), text_at(d, "pattern"), text_at(d, "group"),
           text_at(d, "attempt"),
           show_duration(std::chrono::nanoseconds(static_cast<std::int64_t>(number_at(d, "running_for_ns")))),
           true_at(d, "stop_requested") ? "asked" : ""});
  }
  if (!t.empty()) print(t.text(wants_color(common.color, STDOUT_FILENO)));
  else if (!common.quiet) std::cerr << "nothing is in flight\n";
  return exit_status::ok;
}

constexpr manual about_stop{"stop",
                            "asks running deliveries to stop",
                            "Every delivery whose captures have all these values is asked to stop (its stop "
                            "token); whether and when it does is up to its handler. "
                            "Prints how many were asked.",
                            "postbus stop user_id=42\npostbus stop session_id=7 tool=search",
                            "",
                            "postbus inflight"};

exit_status stop(const common_options& common, const std::vector<std::string>& where) {
  json::object captures;
  for (const std::string& one : where) {
    const std::size_t equals = one.find('=');
    if (equals == std::string::npos || equals == 0)
      throw usage("'" + one + "'", "KEY=VALUE, as in user_id=42", "put a '=' between the two");
    captures[one.substr(0, equals)] = one.substr(equals + 1);
  }
  const json::value answer = require_running_bus(common)->call("stop", {{"where", std::move(captures)}});
  if (common.json) print_json(answer);
  else print((answer.is_object() ? text_at(answer.get_object(), "asked") : json::serialize(answer)) + "\n");
  return exit_status::ok;
}

}  // namespace

void add_inflight(CLI::App& app, invocation& i) { add_verb(app, i, about, inflight); }

void add_stop(CLI::App& app, invocation& i) {
  const auto where = std::make_shared<std::vector<std::string>>();
  CLI::App& verb =
      add_verb(app, i, about_stop, [where](const common_options& common) { return stop(common, *where); });
  verb.add_option("WHERE", *where, "Captures of the subscription's pattern and their values, as KEY=VALUE")
      ->type_name("")
      ->required();
}

}  // namespace postbus::cli
