#include "close_summary.hpp"

#include "output.hpp"

#include <boost/json/array.hpp>

namespace postbus::cli {
namespace {

namespace json = boost::json;

void put(json::object& to, const delivery_counts& c) {
  to["taken_on"] = c.taken_on;
  to["retried"] = c.retried;
  for (const auto& [name, outcome] : delivery_outcomes) to[name] = c.*outcome;
}

void add_row(table& t, const std::string& pattern, const std::string& group, const delivery_counts& c) {
  const auto number = [](std::uint64_t n) { return table::cell(std::to_string(n)); };
  t.add({pattern, group, number(c.taken_on), number(c.acked), number(c.dropped + c.expired + c.discarded),
         number(c.dead), number(c.given_back),
         table::cell(std::to_string(c.abandoned), c.abandoned > 0 ? style::red : style::plain)});
}

}  // namespace

json::object to_json(const close_report& report) {
  json::array subscriptions;
  for (const auto& entry : report.subscriptions) {
    json::object one{{"pattern", entry.pattern}, {"group", entry.group}};
    put(one, entry.counts);
    subscriptions.push_back(std::move(one));
  }
  json::object left;
  for (const metric& m : report.metrics)
    if (m.type == metric::kind::gauge) left[m.name] = m.value;
  json::object o{{"clean", report.clean}, {"published", report.published}, {"delayed", report.delayed}};
  o["subscriptions"] = std::move(subscriptions);
  if (report.earlier.taken_on > 0) put(o["earlier"].emplace_object(), report.earlier);
  o["gauges"] = std::move(left);
  return o;
}

std::string show(const close_report& report, bool color) {
  std::string text;
  if (!report.subscriptions.empty()) {
    table t({"SUBSCRIPTION", "GROUP", "TAKEN ON", "ACKED", "DROPPED", "GIVEN UP", "GIVEN BACK", "ABANDONED"});
    for (const auto& entry : report.subscriptions)
      add_row(t, entry.pattern, entry.group.empty() ? "-" : entry.group, entry.counts);
    if (report.earlier.taken_on > 0) add_row(t, "those that ended before", "", report.earlier);
    if (report.subscriptions.size() > 1) add_row(t, "total", "", report.total());
    text = t.text(color);
  }
  text += "published " + std::to_string(report.published) +
          (report.delayed > 0 ? ", not due yet " + std::to_string(report.delayed) : "") + ", abandoned " +
          std::to_string(report.total().abandoned) + "; " +
          (report.clean ? styled("closed cleanly", style::green, color)
                        : styled("the deadline passed before everything had ended", style::red, color)) +
          "\n";
  return text;
}

}  // namespace postbus::cli
