// postbus dead: what was given up, to look at, send back or throw away.
#include "bus_access.hpp"
#include "json_fields.hpp"
#include "units.hpp"

#include <boost/json/array.hpp>
#include <unistd.h>

#include <cmath>
#include <iostream>

namespace postbus::cli {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

constexpr auto patience = std::chrono::hours(24);  // requeueing may be slow on purpose

constexpr manual about{
    "dead",
    "shows events that were given up, sends them back, or throws them away",
    "An event that is rejected or fails too often goes to the dead-letter box of its group, or of its "
    "pattern "
    "where there is no group, if the running bus has a store.",
    "postbus dead list\npostbus dead list workers --reason rejected\n"
    "postbus dead requeue workers --all --rate 10/s\npostbus dead purge workers ENTRY --yes",
    "",
    "postbus topics, postbus inflight"};

constexpr manual about_list{
    "list", "lists the boxes, or what is in one", "", "postbus dead list workers --topic 'jobs:**'", "", ""};
constexpr manual about_show{"show",
                            "prints one event",
                            "As JSON, with how it ended among its headers.",
                            "postbus dead show workers 0190c2f4-7d7e-7c4a-9d8e-1f2a3b4c5d6e",
                            "",
                            ""};
constexpr manual about_requeue{
    "requeue",
    "publishes them again",
    "With the same id, and for the group of the box alone; its deliveries are counted anew.",
    "postbus dead requeue workers --all --error timeout --rate 10/s",
    "",
    ""};
constexpr manual about_purge{"purge",
                             "throws them away",
                             "For good; it asks before, unless --yes is given.",
                             "postbus dead purge workers --all --yes",
                             "",
                             ""};

struct dead_options {
  std::string box, entry, topic, reason, error, rate;
  std::uint64_t max = 0;
  bool all = false, yes = false;

  json::object arguments() const {
    json::object args{{"box", box}};
    if (!entry.empty()) args["entry"] = entry;
    if (all) args["all"] = true;
    if (!topic.empty()) args["topic"] = topic;
    if (!reason.empty()) args["reason"] = reason;
    if (!error.empty()) args["error"] = error;
    if (max > 0) args["max"] = max;
    return args;
  }
};

exit_status list_boxes(admin_client& bus, const common_options& common) {
  const json::value answer = bus.call("dead.boxes", {});
  if (common.json) return print_json(answer), exit_status::ok;
  table t({"BOX", "EVENTS"});
  for (const auto& one : list_at(answer, ""))
    t.add({text_at(as_object(one), "box"), text_at(as_object(one), "events")});
  if (!t.empty()) print(t.text(wants_color(common.color, STDOUT_FILENO)));
  else if (!common.quiet) std::cerr << "no box has anything\n";
  return exit_status::ok;
}

exit_status list(const common_options& common, const dead_options& o) {
  const auto bus = require_running_bus(common);
  if (o.box.empty()) return list_boxes(*bus, common);
  table t({"ENTRY", "TOPIC", "REASON", "DELIVERIES", "TIME", "ERROR"});
  json::array all;
  for (json::object args = o.arguments();;) {
    const json::value page = bus->call("dead.list", args);
    for (const auto& one : list_at(page, "letters")) {
      const auto& l = as_object(one);
      if (common.json) all.push_back(l);
      else
        t.add({text_at(l, "entry"), text_at(l, "topic"), text_at(l, "reason"), text_at(l, "deliveries"),
               text_at(l, "time"), text_at(l, "error")});
    }
    const std::string after = text_at(as_object(page), "after");
    if (after.empty()) break;
    args["after"] = after;
  }
  if (common.json) print_json(all);
  else if (!t.empty()) print(t.text(wants_color(common.color, STDOUT_FILENO)));
  else if (!common.quiet) std::cerr << "nothing like that is in the box '" << o.box << "'\n";
  return exit_status::ok;
}

exit_status show(const common_options& common, const dead_options& o) {
  print_json(require_running_bus(common)->call("dead.show", o.arguments()));
  return exit_status::ok;
}

void check(const dead_options& o, const char* verb) {
  if (o.entry.empty() != o.all)
    throw usage(o.all ? "--all together with ENTRY" : "neither ENTRY nor --all", "one of the two",
                "see `postbus dead " + std::string(verb) + " --help`");
}

exit_status requeue(const common_options& common, const dead_options& o) {
  check(o, "requeue");
  json::object args = o.arguments();
  if (!o.rate.empty()) args["rate"] = static_cast<std::uint64_t>(std::max(1.0, std::ceil(rate_from(o.rate))));
  const json::value answer = require_running_bus(common)->call("dead.requeue", std::move(args), patience);
  if (common.json) return print_json(answer), exit_status::ok;
  print(text_at(as_object(answer), "requeued") + "\n");
  const std::string failed = text_at(as_object(answer), "failed");
  if (!failed.empty())
    std::cerr
        << failed
        << " could not be sent back, and stay in the box: nobody takes them, or the transport does not\n";
  return failed.empty() ? exit_status::ok : exit_status::failed;
}

exit_status purge(const common_options& common, const dead_options& o) {
  check(o, "purge");
  if (!o.yes) {
    if (!is_terminal(STDIN_FILENO))
      throw usage("purge without --yes, and nobody to ask", "--yes", "add it when they may really go");
    std::cerr << "throw away " << (o.all ? "what is" : "'" + o.entry + "'") << " in the box '" << o.box
              << "'? [y/N] ";
    std::string line;
    if (!std::getline(std::cin, line) || (line != "y" && line != "yes")) return exit_status::failed;
  }
  const json::value answer = require_running_bus(common)->call("dead.purge", o.arguments(), patience);
  if (common.json) print_json(answer);
  else print(text_at(as_object(answer), "purged") + "\n");
  return exit_status::ok;
}

void add_filter(CLI::App& verb, dead_options& o) {
  verb.add_option("--topic", o.topic, "Only those whose topic matches")->type_name("PATTERN");
  verb.add_option("--reason", o.reason, "Only those that ended so: rejected, max_deliveries, undecodable")
      ->type_name("REASON");
  verb.add_option("--error", o.error, "Only those in whose error this text stands")->type_name("TEXT");
}

void add_many(CLI::App& verb, dead_options& o) {
  verb.add_option("ENTRY", o.entry,
                  "SOURCE/ID as `postbus dead list` shows it, or the id of an event of this bus")
      ->type_name("");
  verb.add_flag("--all", o.all, "All in the box, or those that the filter lets through");
  verb.add_option("--max", o.max, "At most so many")
      ->type_name("N")
      ->check(CLI::PositiveNumber.description(""));
  add_filter(verb, o);
}

}  // namespace

void add_dead(CLI::App& app, invocation& i) {
  CLI::App& verb = add_verb(app, i, about, [](const common_options&) -> exit_status {
    throw usage("nothing to do for postbus dead", "list, show, requeue or purge",
                "see `postbus dead --help`");
  });
  verb.require_subcommand(0, 1);
  const auto sub = [&](const manual& m, exit_status (*run)(const common_options&, const dead_options&)) {
    const auto o = std::make_shared<dead_options>();
    CLI::App& one = add_verb(verb, i, m, [o, run](const common_options& common) { return run(common, *o); });
    CLI::Option* box =
        one.add_option("BOX", o->box, "The group, or the pattern of a subscription without one")
            ->type_name("");
    if (run != &list) box->required();
    return std::pair<CLI::App&, std::shared_ptr<dead_options>>(one, o);
  };
  auto [list_verb, listed] = sub(about_list, &list);
  add_filter(list_verb, *listed);
  auto [show_verb, shown] = sub(about_show, &show);
  show_verb.add_option("ENTRY", shown->entry, "SOURCE/ID, or the id of an event of this bus")
      ->type_name("")
      ->required();
  auto [requeue_verb, requeued] = sub(about_requeue, &requeue);
  add_many(requeue_verb, *requeued);
  requeue_verb.add_option("--rate", requeued->rate, "At most so many events a second: 10, or 10/s, 600/m")
      ->type_name("RATE");
  auto [purge_verb, purged] = sub(about_purge, &purge);
  add_many(purge_verb, *purged);
  purge_verb.add_flag("--yes", purged->yes, "Do not ask");
}

}  // namespace postbus::cli
