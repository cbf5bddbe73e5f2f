// postbus dedup: what the feature of that name of a running bus knows, and having it forget.
#include "bus_access.hpp"
#include "json_fields.hpp"

#include <boost/json/serialize.hpp>
#include <unistd.h>

namespace postbus::cli {
namespace {

namespace json = boost::json;

constexpr manual about{"dedup",
                       "shows what the feature dedup dropped, or has it forget an event",
                       "For a running bus whose bus.features name dedup.",
                       "postbus dedup stats\n"
                       "postbus dedup forget ID --source fleet --group workers --pattern 'jobs:*'",
                       "",
                       "postbus dead, postbus call"};

constexpr manual about_stats{
    "stats", "prints its figures, since the bus started", "", "postbus dedup stats --json", "", ""};
constexpr manual about_forget{"forget",
                              "forgets that an event was handled, so that its next copy is",
                              "Prints 1, or 0 where it is not known, or is being handled now. An event is "
                              "known by its source and id, or by --key "
                              "where plugin.dedup.key is set.",
                              "postbus dedup forget ID --source fleet --group workers --pattern 'jobs:*'\n"
                              "postbus dedup forget --key 42 --group workers --pattern 'jobs:*'\n"
                              "postbus dedup forget ID --source fleet --publish",
                              "",
                              ""};

struct forget_options {
  std::string id, source, key, group, pattern;
  bool publish = false;

  json::object arguments() const {
    json::object args;
    const auto put = [&](const char* name, const std::string& value) {
      if (!value.empty()) args[name] = value;
    };
    put("id", id);
    put("source", source);
    put("key", key);
    put("group", group);
    put("pattern", pattern);
    if (publish) args["publish"] = true;
    return args;
  }
};

exit_status stats(const common_options& common) {
  const json::value answer = require_running_bus(common)->call("dedup.stats", {});
  if (common.json) return print_json(answer), exit_status::ok;
  table t({"FIGURE", "VALUE"});
  for (const auto& [name, value] : as_object(answer)) t.add({std::string(name), json::serialize(value)});
  print(t.text(wants_color(common.color, STDOUT_FILENO)));
  return exit_status::ok;
}

void check(const forget_options& o) {
  const char* help = "see `postbus dedup forget --help`";
  if (o.key.empty() ? o.id.empty() || o.source.empty() : !o.id.empty() || !o.source.empty())
    throw usage(o.key.empty() ? "no event" : "--key together with ID or --source",
                "ID with --source, or --key", help);
  if (o.publish ? !o.group.empty() || !o.pattern.empty() : o.group.empty() || o.pattern.empty())
    throw usage(o.publish ? "--publish together with --group or --pattern" : "not whose handling it was",
                "--group with --pattern, or --publish", help);
}

exit_status forget(const common_options& common, const forget_options& o) {
  check(o);
  const json::value answer = require_running_bus(common)->call("dedup.forget", o.arguments());
  if (common.json) print_json(answer);
  else print(text_at(as_object(answer), "forgotten") + "\n");
  return exit_status::ok;
}

}  // namespace

void add_dedup(CLI::App& app, invocation& i) {
  CLI::App& verb = add_verb(app, i, about, [](const common_options&) -> exit_status {
    throw usage("nothing to do for postbus dedup", "stats or forget", "see `postbus dedup --help`");
  });
  verb.require_subcommand(0, 1);
  add_verb(verb, i, about_stats, [](const common_options& common) { return stats(common); });
  const auto o = std::make_shared<forget_options>();
  CLI::App& one =
      add_verb(verb, i, about_forget, [o](const common_options& common) { return forget(common, *o); });
  one.add_option("ID", o->id, "Its id")->type_name("");
  one.add_option("--source", o->source, "Its source: the name of the bus that published it")
      ->type_name("NAME");
  one.add_option("--key", o->key, "The value of plugin.dedup.key")->type_name("TEXT");
  one.add_option("--group", o->group, "The group that handled it")->type_name("GROUP");
  one.add_option("--pattern", o->pattern, "The pattern of that group")->type_name("PATTERN");
  one.add_flag("--publish", o->publish, "That it was published, where plugin.dedup.publish is set");
}

}  // namespace postbus::cli
