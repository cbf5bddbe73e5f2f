// postbus steer: messages to the sessions of a running bus that has the feature steering.
#include "bus_access.hpp"
#include "json_fields.hpp"

#include <boost/json/array.hpp>
#include <unistd.h>

#include <iostream>

namespace postbus::cli {
namespace {

namespace json = boost::json;

constexpr manual about{
    "steer",
    "sends messages to a session at work, and shows what is queued for it",
    "The running bus needs the feature steering: its worker takes the messages between its steps.",
    "postbus steer push s1 'rather in French'\npostbus steer list s1\npostbus steer abort s1",
    "",
    "postbus inflight, postbus stop, postbus call"};

constexpr manual about_push{"push",
                            "queues a message",
                            "Prints its id, and whether it is accepted or late: late when the session has "
                            "ended. A text that is an abort "
                            "word, such as stop, is an abort.",
                            "postbus steer push s1 'rather in French' --sender ann\npostbus steer push s1 "
                            "'the other file' --interrupt",
                            "",
                            ""};
constexpr manual about_take{"take",
                            "takes what is queued, as a worker does",
                            "A worker that has the session then loses it, and what it had not confirmed is "
                            "taken too: for sessions that "
                            "nobody works on.",
                            "postbus steer take s1 --max 1",
                            "",
                            ""};
constexpr manual about_list{"list",
                            "lists the sessions that have something queued, or what is queued for one",
                            "Takes nothing.",
                            "postbus steer list\npostbus steer list s1 --json",
                            "",
                            ""};
constexpr manual about_abort{"abort",
                             "drops what is queued, and asks what runs to stop",
                             "In every process; the abort itself stays queued, for the worker to see why.",
                             "postbus steer abort s1",
                             "",
                             ""};

struct steer_options {
  std::string session, text, sender, agent, id;
  std::uint64_t max = 0;
  bool front = false, interrupt = false;
};

exit_status tell(const json::value& answer, const common_options& common) {
  if (common.json) print_json(answer);
  else print(text_at(as_object(answer), "id") + "  " + text_at(as_object(answer), "status") + "\n");
  return exit_status::ok;
}

exit_status push(const common_options& common, const steer_options& o) {
  json::object args{{"session", o.session}, {"text", o.text}, {"sender", o.sender}};
  if (!o.agent.empty()) args["target_agent"] = o.agent;
  if (!o.id.empty()) args["id"] = o.id;
  if (o.front) args["front"] = true;
  if (o.interrupt) args["interrupt"] = true;
  return tell(require_running_bus(common)->call("steering.push", std::move(args)), common);
}

exit_status abort(const common_options& common, const steer_options& o) {
  json::object args{{"session", o.session}, {"sender", o.sender}};
  if (!o.text.empty()) args["text"] = o.text;
  return tell(require_running_bus(common)->call("steering.abort", std::move(args)), common);
}

void show(const json::array& items, const common_options& common, const char* nothing) {
  if (common.json) return print_json(items);
  table t({"TIME", "SENDER", "ABORT", "TEXT"});
  for (const auto& one : items) {
    const auto& i = as_object(one);
    t.add({text_at(i, "timestamp"), text_at(i, "sender"), true_at(i, "is_abort") ? "yes" : "no",
           text_at(i, "text")});
  }
  if (!t.empty()) print(t.text(wants_color(common.color, STDOUT_FILENO)));
  else if (!common.quiet) std::cerr << nothing << "\n";
}

// Confirmed only once they are printed.
exit_status take(const common_options& common, const steer_options& o) {
  const auto bus = require_running_bus(common);
  const json::value taken = bus->call("steering.take", {{"session", o.session}, {"max", o.max}});
  show(list_at(taken, "items"), common, "nothing is queued");
  bus->call("steering.confirm", {{"session", o.session}, {"batch", text_at(as_object(taken), "batch")}});
  return exit_status::ok;
}

exit_status list_sessions(admin_client& bus, const common_options& common) {
  json::array names;
  for (json::object args;;) {
    const json::value page = bus.call("steering.sessions", args);
    for (const auto& name : list_at(page, "sessions")) names.push_back(name);
    const std::string after = text_at(as_object(page), "after");
    if (after.empty()) break;
    args["after"] = after;
  }
  if (common.json) return print_json(names), exit_status::ok;
  for (const auto& name : names) print(std::string(std::string_view(name.as_string())) + "\n");
  if (names.empty() && !common.quiet) std::cerr << "nothing is queued for any session\n";
  return exit_status::ok;
}

exit_status list(const common_options& common, const steer_options& o) {
  const auto bus = require_running_bus(common);
  if (o.session.empty()) return list_sessions(*bus, common);
  json::array all;
  for (;;) {
    const json::value page = bus->call("steering.peek", {{"session", o.session}, {"from", all.size()}});
    const auto& items = list_at(page, "items");
    all.insert(all.end(), items.begin(), items.end());
    if (items.empty()) break;
  }
  show(all, common, "nothing is queued");
  return exit_status::ok;
}

}  // namespace

void add_steer(CLI::App& app, invocation& i) {
  CLI::App& verb = add_verb(app, i, about, [](const common_options&) -> exit_status {
    throw usage("nothing to do for postbus steer", "push, take, list or abort", "see `postbus steer --help`");
  });
  verb.require_subcommand(0, 1);
  const auto sub = [&](const manual& m, exit_status (*run)(const common_options&, const steer_options&)) {
    const auto o = std::make_shared<steer_options>();
    CLI::App& one = add_verb(verb, i, m, [o, run](const common_options& common) { return run(common, *o); });
    CLI::Option* session = one.add_option("SESSION", o->session, "The session")->type_name("");
    if (run != &list) session->required();
    return std::pair<CLI::App&, std::shared_ptr<steer_options>>(one, o);
  };
  auto [push_verb, pushed] = sub(about_push, &push);
  push_verb.add_option("TEXT", pushed->text, "The message")->type_name("")->required();
  push_verb.add_option("--sender", pushed->sender, "Who says so")->type_name("NAME");
  push_verb.add_option("--agent", pushed->agent, "Which of the session's agents is meant")->type_name("NAME");
  push_verb.add_option("--id", pushed->id, "Pushing it again under the same id changes nothing")
      ->type_name("ID");
  push_verb.add_flag("--front", pushed->front, "Before all that is queued");
  push_verb.add_flag("--interrupt", pushed->interrupt,
                     "In place of all that is queued, and asks what runs to stop");
  auto [take_verb, taken] = sub(about_take, &take);
  take_verb.add_option("--max", taken->max, "At most so many")
      ->type_name("N")
      ->check(CLI::PositiveNumber.description(""));
  sub(about_list, &list);
  auto [abort_verb, aborted] = sub(about_abort, &abort);
  abort_verb.add_option("--text", aborted->text, "What the worker reads; stop, without it")
      ->type_name("TEXT");
  abort_verb.add_option("--sender", aborted->sender, "Who says so")->type_name("NAME");
}

}  // namespace postbus::cli
