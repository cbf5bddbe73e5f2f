#include "command_line.hpp"

#include "manual_page.hpp"
#include "text.hpp"

#include <postbus/sdk/names.hpp>

namespace postbus::cli {
namespace {

void add_section(std::string& footer, const char* title, std::string_view lines) {
  if (lines.empty()) return;
  footer.append("\n").append(title).append(":\n");
  for (std::string_view rest = lines; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    footer.append("  ").append(line).append("\n");
  }
}

std::string footer_of(const manual& m) {
  std::string footer;
  add_section(footer, "Examples", m.examples);
  std::string status = m.status;
  if (status.find("0  ") == std::string::npos) status.insert(0, "0  done\n");
  if (status.find("1  ") == std::string::npos) status += "1  it could not be done; standard error says why\n";
  add_section(footer, "Exit status", status + "2  the arguments are wrong\n");
  add_section(footer, "See also", m.see_also);
  return footer;
}

void add_common_options(CLI::App& app, common_options& common) {
  app.add_option(
         "-c,--config", common.config_file,
         "The configuration; without it $POSTBUS_CONFIG, else ./postbus.toml if it is there, else defaults")
      ->type_name("FILE");
  app.add_option_function<std::vector<std::string>>(
         "--set",
         [&common](const std::vector<std::string>& all) {
           for (const std::string& one : all) {
             const std::size_t equals = one.find('=');
             if (equals == std::string::npos || equals == 0)
               throw usage("--set " + one, "KEY=VALUE, as in bus.threads=4", "put a '=' between the two");
             common.settings.emplace_back(one.substr(0, equals), one.substr(equals + 1));
           }
         },
         "Changes a setting, over the file and the environment's POSTBUS_…__…; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  app.add_option("--admin", common.admin,
                 "The admin socket of the running bus, instead of bus.admin of the configuration")
      ->type_name("PATH");
  app.add_flag("--json", common.json, "Prints JSON, on standard error too");
  app.add_flag("-q,--quiet", common.quiet, "Prints no notes and no progress on standard error");
  app.add_option_function<std::string>(
         "--color",
         [&common](const std::string& when) {
           common.color = when == "always"  ? color_choice::always
                          : when == "never" ? color_choice::never
                                            : color_choice::automatic;
         },
         "When to use colours; auto: on a terminal, unless NO_COLOR is set (auto)")
      ->check(CLI::IsMember({"auto", "always", "never"}).description(""))
      ->type_name("auto|always|never");
}

// The subcommand that the arguments had come to when they went wrong.
const CLI::App& innermost(const CLI::App& app) {
  const auto parsed = app.get_subcommands();
  return parsed.empty() ? app : innermost(*parsed.back());
}

std::string called(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name() : called(*app.get_parent()) + " " + app.get_name();
}

// What might have been meant by an unknown word.
std::string suggestion(const CLI::App& app, const std::string& word) {
  std::vector<std::string> known;
  for (const CLI::App* at = &app; at != nullptr; at = at->get_parent()) {
    for (const CLI::Option* option : at->get_options())
      for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
    for (const CLI::App* command : at->get_subcommands([](const CLI::App*) { return true; }))
      known.push_back(command->get_name());
  }
  const std::string near = sdk::did_you_mean(word, known, "");
  return near.empty() ? "" : near + " ";
}

}  // namespace

CLI::App& add_verb(CLI::App& parent, invocation& i, const manual& m,
                   std::function<exit_status(const common_options&)> action) {
  CLI::App& verb =
      *parent.add_subcommand(m.name, m.summary + (*m.text ? std::string("\n") + m.text : std::string()));
  verb.fallthrough();
  verb.footer(footer_of(m));
  verb.final_callback([&i, &verb, action = std::move(action)] {
    if (verb.get_subcommands().empty()) i.action = [&i, action] { return action(i.common); };
  });
  return verb;
}

std::unique_ptr<CLI::App> make_command_line(invocation& i) {
  auto app = std::make_unique<CLI::App>(
      "An event bus whose transports and features are plugins\n"
      "Runs a bus, talks to a running one over its admin socket, and explains configurations. Each command "
      "has a help "
      "of its own: `postbus pub --help`.",
      "postbus");
  app->formatter(std::make_shared<manual_page>());
  app->set_help_flag("-h,--help", "Prints this and ends");
  app->set_version_flag("--version", "postbus " POSTBUS_VERSION, "Prints the version and ends");
  app->require_subcommand(1);
  add_common_options(*app, i.common);
  for (const auto add : {add_run,  add_pub,  add_sub,     add_request, add_tail,  add_topics, add_inflight,
                         add_stop, add_dead, add_dedup,   add_steer,   add_brake, add_health, add_metrics,
                         add_call, add_log,  add_plugins, add_config,  add_check, add_new,    add_completion})
    add(*app, i);
  std::string footer;
  add_section(footer, "Examples",
              "postbus run --config fleet.toml\n"
              "postbus sub 'github:**'\n"
              "postbus pub --ndjson webhooks.ndjson --topic 'github:{/event}:{/payload/repository/name|-}'");
  add_section(footer, "Exit status",
              "0  done\n1  it could not be done; standard error says why\n2  the arguments are wrong");
  add_section(footer, "Environment",
              "POSTBUS_CONFIG       the configuration file\n"
              "POSTBUS_…__…         settings: POSTBUS_BUS__THREADS=4 is bus.threads\n"
              "POSTBUS_PLUGIN_PATH  folders with plugins, separated by ':'\n"
              "NO_COLOR             no colours");
  app->footer(footer);
  return app;
}

problem problem_of(const CLI::ParseError& e, const CLI::App& app) {
  const CLI::App& at = innermost(app);
  problem p{"usage", e.what(), "arguments as `" + called(at) + " --help` lists them", ""};
  if (p.found.ends_with('.')) p.found.pop_back();
  if (const auto extras = app.remaining(true); !extras.empty()) {
    p.found = "'" + extras.front() + "', which " + called(at) + " does not know";
    p.wanted.clear();
    p.remedy = suggestion(at, extras.front()) + "see `" + called(at) + " --help`";
  } else if (dynamic_cast<const CLI::RequiredError*>(&e) != nullptr && &at == &app) {
    p = {"usage", "no command", "one such as run, pub, sub or health", "see `postbus --help`"};
  }
  return p;
}

}  // namespace postbus::cli
