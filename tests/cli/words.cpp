// Words that are wrong, and what the command says about itself.
#include "process.hpp"
#include "support/catch.hpp"

using namespace postbus::tests;

namespace {

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("wrong arguments end with status 2 and a sentence", "[cli]") {
  const temporary_folder folder;
  const std::vector<std::string> wrong[] = {{},
                                            {"nothing"},
                                            {"pub"},
                                            {"pub", "a:b", "x", "extra"},
                                            {"pub", "a:b", "--delay", "soon"},
                                            {"pub", "--ndjson", "f"},
                                            {"pub", "--ndjson", "f", "--topic", "a:{b"},
                                            {"pub", "a:b", "x", "--rate", "fast"},
                                            {"pub", "a:b", "x", "--header", "novalue"},
                                            {"sub"},
                                            {"sub", "a", "--timeout", "soon"},
                                            {"sub", "a", "--prefetch", "0"},
                                            {"topics", "extra"},
                                            {"log", "loud"},
                                            {"stop"},
                                            {"stop", "user"},
                                            {"call", "health", "{"},
                                            {"config"},
                                            {"dead"},
                                            {"dedup"},
                                            {"dedup", "forget"},
                                            {"dedup", "forget", "id", "--source", "s"},
                                            {"dedup", "forget", "id", "--source", "s", "--key", "k"},
                                            {"dedup", "forget", "--key", "k", "--publish", "--group", "g"},
                                            {"dead", "show", "box"},
                                            {"dead", "requeue", "box"},
                                            {"dead", "purge", "box", "--all"},
                                            {"dead", "purge", "box", "entry", "--all", "--yes"},
                                            {"steer"},
                                            {"steer", "push", "s1"},
                                            {"steer", "take"},
                                            {"steer", "take", "s1", "--max", "0"},
                                            {"steer", "abort"},
                                            {"brake"},
                                            {"brake", "pause"},
                                            {"brake", "pause", "42", "--all"},
                                            {"brake", "status", "--pattern", "a:*", "--all"},
                                            {"check"},
                                            {"check", "./nothing.so"},
                                            {"new"},
                                            {"new", "plugin"},
                                            {"new", "plugin", "Big_Name"},
                                            {"new", "plugin", "a", "--kind", "toaster"},
                                            {"completion", "tcsh"},
                                            {"run", "--deadline", "-1"},
                                            {"topics", "--set", "key"},
                                            {"topics", "--color", "pink"}};
  for (const auto& words : wrong) {
    const outcome o = run(folder, words);
    CAPTURE(words, o.out, o.err);
    CHECK(o.status == 2);
    CHECK(o.out.empty());
    CHECK(o.err.find("postbus: found ") == 0);
    CHECK(lines_in(o.err) == 1);
  }
}

TEST_CASE("with --json an error is an object", "[cli]") {
  const temporary_folder folder;
  const outcome o = run(folder, {"--json", "sub", "a", "--timeout", "soon"});
  CHECK(o.status == 2);
  CHECK(o.err.find(R"({"error":{"code":"usage","message":"found the duration \"soon\"; wanted )") == 0);
}

TEST_CASE("help and version go to standard output and end with status 0", "[cli]") {
  const temporary_folder folder;
  for (const char* verb : {"run",   "pub",  "sub",     "request",  "dead",  "dedup",  "steer",
                           "brake", "tail", "topics",  "inflight", "stop",  "health", "metrics",
                           "call",  "log",  "plugins", "config",   "check", "new",    "completion"}) {
    const outcome o = run(folder, {verb, "--help"});
    CAPTURE(verb, o.err);
    CHECK(o.status == 0);
    CHECK(o.out.find(std::string("postbus ") + verb + " - ") == 0);
    CHECK(o.err.empty());
  }
  CHECK(run(folder, {"--help"}).status == 0);
  CHECK(run(folder, {"--version"}).out.find("postbus 0.") == 0);
}

TEST_CASE("when nobody reads its output the command ends quietly", "[cli]") {
  const temporary_folder folder;
  CHECK(run_without_reader(folder, {"config", "show"}) == 0);
  CHECK(run_without_reader(folder, {"--help"}) == 0);
}

TEST_CASE("the example configurations are good", "[cli][config]") {
  const temporary_folder folder;
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(POSTBUS_EXAMPLES "/config")) {
    const outcome o = run(folder, {"config", "check", entry.path()});
    CAPTURE(entry.path(), o.err);
    CHECK(o.status == 0);
    CHECK(o.out == entry.path().string() + ": good\n");
    ++files;
  }
  CHECK(files >= 3);
}

TEST_CASE("a bad configuration is told with its file and line", "[cli][config]") {
  const temporary_folder folder;
  folder.write("bad.toml", "[bus]\nthread = 2\n");
  folder.write("good.toml", "[bus]\nthreads = 2\n");
  const outcome o = run(folder, {"config", "check", "bad.toml", "good.toml"});
  CHECK(o.status == 1);
  CHECK(o.out == "good.toml: good\n");
  CHECK(holds(o.err, "bad.toml:2:1"));
  CHECK(holds(o.err, "did you mean"));
}

TEST_CASE("the file comes first, then the environment, then --set", "[cli][config]") {
  const temporary_folder folder;
  folder.write("postbus.toml", "[bus]\nname = \"file\"\nthreads = 3\n");
  folder.write("other.toml", "[bus]\nname = \"other\"\n");
  const std::string name = "name = ";
  CHECK(holds(run(folder, {"config", "show"}).out, name + "\"file\""));
  CHECK(holds(run(folder, {"config", "show"}, "", {"POSTBUS_CONFIG=other.toml"}).out, name + "\"other\""));
  CHECK(holds(
      run(folder, {"config", "show", "--config", "postbus.toml"}, "", {"POSTBUS_CONFIG=other.toml"}).out,
      name + "\"file\""));
  const std::vector<std::string> environment{"POSTBUS_BUS__NAME=environment"};
  CHECK(holds(run(folder, {"config", "show"}, "", environment).out, name + "\"environment\""));
  CHECK(
      holds(run(folder, {"config", "show", "--set", "bus.name=set"}, "", environment).out, name + "\"set\""));
}

TEST_CASE("settings and capabilities are explained", "[cli][config]") {
  const temporary_folder folder;
  folder.write("postbus.toml", "[transport]\nqueue_max = 7\n");
  const outcome all = run(folder, {"config", "--explain"});
  CHECK(all.status == 0);
  CHECK(holds(all.out, "queue_max"));
  CHECK(holds(all.out, "postbus.toml:2:1"));
  const outcome one = run(folder, {"config", "--explain", "hub"});
  CHECK(one.status == 0);
  CHECK(holds(one.out, "path"));
  CHECK_FALSE(holds(one.out, "bus.threads"));
  CHECK(holds(run(folder, {"plugins"}).out, "memory"));
  CHECK(holds(run(folder, {"plugins", "--json"}).out, R"("id":"memory")"));
  const outcome explained = run(folder, {"plugins", "--explain"});
  CHECK(explained.status == 0);
  CHECK(holds(explained.out, "native"));
  CHECK(holds(explained.out, "refused"));
}
