#include "command_line.hpp"

#include "support/catch.hpp"

using namespace postbus::cli;

namespace {

struct outcome {
  invocation made;
  std::string found, remedy;  // of a usage error
};

// Parses the words as the command does, without doing what they ask.
outcome parse(std::vector<std::string> words) {
  outcome o;
  const auto app = make_command_line(o.made);
  std::reverse(words.begin(), words.end());
  try {
    app->parse(words);
  } catch (const CLI::ParseError& e) {
    const problem p = problem_of(e, *app);
    o.found = p.found;
    o.remedy = p.remedy;
  }
  return o;
}

void check_help(const CLI::App& app) {
  const std::string help = app.help();
  CAPTURE(help);
  CHECK(help.find("Usage: postbus") != std::string::npos);
  CHECK(help.find("Exit status:\n") != std::string::npos);
  CHECK(help.find("Examples:\n") != std::string::npos);
  CHECK(help.find("--set KEY=VALUE") != std::string::npos);
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    check_help(*command);
}

}  // namespace

TEST_CASE("common options may stand before and behind the command", "[cli][command_line]") {
  const outcome before = parse({"--config", "a.toml", "--set", "x.y=1", "--json", "topics"});
  const outcome behind = parse({"topics", "--config", "a.toml", "--set", "x.y=1", "--json"});
  for (const outcome* o : {&before, &behind}) {
    CHECK(o->found.empty());
    CHECK(o->made.common.config_file == "a.toml");
    CHECK(o->made.common.settings == std::vector<std::pair<std::string, std::string>>{{"x.y", "1"}});
    CHECK(o->made.common.json);
    CHECK(o->made.action != nullptr);
  }
}

TEST_CASE("settings come in the order of the command line, and may hold '='", "[cli][command_line]") {
  const outcome o = parse({"topics", "--set", "a.b=1=2", "--set", "a.b="});
  CHECK(o.made.common.settings ==
        std::vector<std::pair<std::string, std::string>>{{"a.b", "1=2"}, {"a.b", ""}});
  CHECK_THROWS_AS(parse({"topics", "--set", "nothing"}), failure);
}

TEST_CASE("an option is not taken for the data of an event", "[cli][command_line]") {
  CHECK(parse({"pub", "a:b", "-"}).found.empty());
  CHECK(parse({"pub", "a:b", "health"}).found.empty());
  CHECK(parse({"pub", "a:b", "--", "--dashes"}).found.empty());
}

TEST_CASE("wrong words are named, with what might have been meant", "[cli][command_line]") {
  CHECK(parse({}).found == "no command");
  CHECK(parse({"helth"}).found.find("'helth'") == 0);
  CHECK(parse({"helth"}).remedy.find("did you mean 'health'?") == 0);
  CHECK(parse({"topics", "--jsn"}).found == "'--jsn', which postbus topics does not know");
  CHECK(parse({"topics", "--jsn"}).remedy == "did you mean '--json'? see `postbus topics --help`");
  CHECK(parse({"sub"}).found == "PATTERN is required");
  CHECK(parse({"sub", "a", "--count", "many"}).found.find("many") != std::string::npos);
  CHECK(parse({"log", "loud"}).found.find("loud") != std::string::npos);
  CHECK(parse({"--color", "pink", "topics"}).found.find("pink") != std::string::npos);
}

TEST_CASE("the help of every command shows usage, options, examples and exit status", "[cli][command_line]") {
  invocation i;
  check_help(*make_command_line(i));
}
