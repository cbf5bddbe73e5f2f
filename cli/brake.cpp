// postbus brake: pauses and resumes the work of a user, of a pattern, or all of it, on a running bus that has the feature brake.
#include "bus_access.hpp"
#include "event_line.hpp"
#include "json_fields.hpp"

#include <boost/json/array.hpp>
#include <unistd.h>

#include <iostream>

namespace postbus::cli {
namespace {

namespace json = boost::json;

constexpr manual about{
    "brake",
    "pauses and resumes work, in every process, and shows what still runs",
    "Of a key, which is a user where the brake is configured with key = \"param:user_id\"; of the topics of "
    "a "
    "pattern; or all of it. The running bus needs the feature brake.",
    "postbus brake pause 42\npostbus brake status 42\npostbus brake pause --pattern 'jobs:*:mail'\n"
    "postbus brake resume 42",
    "",
    "postbus inflight, postbus stop"};

constexpr manual about_pause{
    "pause",
    "starts nothing of it any more",
    "Returns when every process that shares the store has confirmed, or after 2 s with those that have not.",
    "postbus brake pause 42 --actor ann\npostbus brake pause --all",
    "1  a process has not confirmed, or something still runs\n",
    ""};
constexpr manual about_resume{"resume", "lets it go on, in order", "", "postbus brake resume 42", "", ""};
constexpr manual about_status{
    "status", "shows the state, and what still runs", "", "postbus brake status 42 --json", "", ""};
constexpr manual about_confirm{
    "confirm",
    "says that what is unverified does not run",
    "Of work whose process was lost nobody knows whether it still runs. Who has seen to it that it does not "
    "says "
    "so here: it is not waited for any more, and what it still answers is refused.",
    "postbus brake confirm 42",
    "",
    ""};
constexpr manual about_watch{
    "watch", "prints the changes of all scopes, until a signal", "", "postbus brake watch --json", "", ""};

struct brake_options {
  std::string key, pattern, actor;
  bool all = false;

  json::object arguments() const {
    if (int(!key.empty()) + int(!pattern.empty()) + int(all) != 1)
      throw usage("not exactly one of KEY, --pattern and --all", "one of them",
                  "see `postbus brake pause --help`");
    json::object args;
    if (!key.empty()) args["key"] = key;
    if (!pattern.empty()) args["pattern"] = pattern;
    if (all) args["all"] = true;
    if (!actor.empty()) args["actor"] = actor;
    return args;
  }
};

// The state, and what stands in the way of another one.
void show(const json::value& answer, const common_options& common) {
  if (common.json) return print_json(answer);
  const auto& a = as_object(answer);
  std::string line = text_at(a, "state") + "  epoch " + text_at(a, "epoch");
  if (const std::string actor = text_at(a, "actor"); !actor.empty()) line += "  by " + actor;
  print(line + "\n");
  for (const auto& process : list_at(answer, "unconfirmed"))
    print("not confirmed by " + std::string(std::string_view(process.as_string())) + "\n");
  table t({"RUNNING", "ID", "PROCESS", ""});
  for (const auto& one : list_at(answer, "running")) {
    const auto& w = as_object(one);
    t.add({text_at(w, "topic"), text_at(w, "id"), text_at(w, "process"),
           true_at(w, "unverified") ? "unverified" : ""});
  }
  if (!t.empty()) print(t.text(wants_color(common.color, STDOUT_FILENO)));
}

// Wrong words are told before anybody looks for a bus.
json::value ask(const common_options& common, const std::string& method, const brake_options& o) {
  const json::object args = o.arguments();
  return require_running_bus(common)->call("brake." + method, args);
}

exit_status pause(const common_options& common, const brake_options& o) {
  const json::value answer = ask(common, "pause", o);
  show(answer, common);
  return text_at(as_object(answer), "state") == "paused" ? exit_status::ok : exit_status::failed;
}

exit_status resume(const common_options& common, const brake_options& o) {
  show(ask(common, "resume", o), common);
  return exit_status::ok;
}

exit_status status(const common_options& common, const brake_options& o) {
  show(ask(common, "status", o), common);
  return exit_status::ok;
}

exit_status confirm(const common_options& common, const brake_options& o) {
  const json::value answer = ask(common, "confirm_unverified", o);
  if (common.json) print_json(answer);
  else print(text_at(as_object(answer), "confirmed") + "\n");
  return exit_status::ok;
}

exit_status watch(const common_options& common) {
  signals s;
  consume_request request;
  request.pattern = "agent:status:*";
  request.copies = true;
  const auto access = access_bus(common, request.pattern);
  request.subscribed = [&] {
    if (!common.quiet) std::cerr << "watching the brake on " << access->description() << std::endl;
  };
  request.discarded = [](std::uint64_t lost) {
    std::cerr << "postbus: " << lost << " changes came faster than they could be printed\n";
  };
  const ended why = access->consume(request, s, [&](const json::object& event) {
    if (common.json) print_json(event);
    else print(line_of(event));
    return appetite::more;
  });
  if (why == ended::bus_closed && !common.quiet) std::cerr << "postbus: the bus has closed\n";
  return exit_status::ok;
}

}  // namespace

void add_brake(CLI::App& app, invocation& i) {
  CLI::App& verb = add_verb(app, i, about, [](const common_options&) -> exit_status {
    throw usage("nothing to do for postbus brake", "pause, resume, status, confirm or watch",
                "see `postbus brake --help`");
  });
  verb.require_subcommand(0, 1);
  const auto sub = [&](const manual& m, exit_status (*run)(const common_options&, const brake_options&)) {
    const auto o = std::make_shared<brake_options>();
    CLI::App& one = add_verb(verb, i, m, [o, run](const common_options& common) { return run(common, *o); });
    one.add_option("KEY", o->key, "The value of the configured key")->type_name("");
    one.add_option("--pattern", o->pattern, "The topics of this pattern, of any key")->type_name("PATTERN");
    one.add_flag("--all", o->all, "Everything");
    if (run == &pause || run == &resume)
      one.add_option("--actor", o->actor, "Who does it, for those who ask later")->type_name("NAME");
  };
  sub(about_pause, &pause);
  sub(about_resume, &resume);
  sub(about_status, &status);
  sub(about_confirm, &confirm);
  add_verb(verb, i, about_watch, watch);
}

}  // namespace postbus::cli
