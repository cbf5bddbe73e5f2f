// postbus topics: what is subscribed to.
#include "bus_access.hpp"
#include "json_fields.hpp"

#include <boost/json/array.hpp>
#include <unistd.h>

#include <iostream>

namespace postbus::cli {
namespace {

constexpr manual about{
    "topics",
    "lists the patterns that have subscriptions on the running bus",
    "Sorted, and for each pattern and group how many subscriptions there are, how many deliveries are open, "
    "and what "
    "became of the others. Only those of this bus: other processes on the same transport have their own.",
    "postbus topics\npostbus topics --json | jq -r '.[].pattern'",
    "",
    "postbus sub, postbus inflight"};

exit_status topics(const common_options& common) {
  const auto answer = require_running_bus(common)->call("topics", {});
  if (common.json) {
    print_json(answer);
    return exit_status::ok;
  }
  table t({"PATTERN", "GROUP", "SUBSCRIBERS", "OPEN", "ACKED", "RETRIED", "GIVEN UP"});
  for (const auto& one : list_at(answer, "topics")) {
    const auto& s = as_object(one);
    const auto* counts = s.if_contains("counts");
    const auto& c = as_object(counts != nullptr ? *counts : answer);
    const std::string group = text_at(s, "group");
    t.add({text_at(s, "pattern"), group.empty() ? "-" : group, text_at(s, "subscribers"), text_at(s, "open"),
           text_at(c, "acked"), text_at(c, "retried"), text_at(c, "dead")});
  }
  if (!t.empty()) print(t.text(wants_color(common.color, STDOUT_FILENO)));
  else if (!common.quiet) std::cerr << "nothing is subscribed to\n";
  return exit_status::ok;
}

}  // namespace

void add_topics(CLI::App& app, invocation& i) { add_verb(app, i, about, topics); }

}  // namespace postbus::cli
