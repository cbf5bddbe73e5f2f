#include "config/config_contents.hpp"
#include "refusal.hpp"

#include <postbus/config.hpp>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

using namespace postbus;
namespace json = boost::json;

namespace {

const config_access::contents& of(const config& c) { return config_access::of(c); }
json::value at(const config& c, std::string_view pointer) {
  return json::value(of(c).tree).at_pointer(pointer);
}

// A file that is gone when the test is over.
struct temporary_file {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("postbus-" + std::to_string(::getpid()) + ".toml");
  explicit temporary_file(std::string_view text) { std::ofstream(path) << text; }
  ~temporary_file() { std::filesystem::remove(path); }
};

}  // namespace

TEST_CASE("a TOML text becomes settings that know where they stand", "[config]") {
  const auto c = config::from_toml(
      "[bus]\nname = \"fleet\"\nfeatures = [\"a\",\n  \"b\"]\n[plugin.dedup]\n\"odd key\".x = 1.5\non = "
      "true\n");
  CHECK(at(c, "/bus/name") == "fleet");
  CHECK(at(c, "/bus/features/1") == "b");
  CHECK(at(c, "/plugin/dedup/odd key/x") == 1.5);
  CHECK(at(c, "/plugin/dedup/on") == true);
  CHECK(of(c).origin("bus.name") == "text:2:1");
  CHECK(of(c).origin("bus.features[1]") == "text:4:3");
  CHECK(of(c).origin("plugin.dedup.\"odd key\".x") == "text:6:11");
}

TEST_CASE("a setting that is missing is looked for where its table stands", "[config]") {
  const auto c = config::from_toml("[bus]\nname = \"fleet\"\n");
  CHECK(of(c).origin("bus.threads") == "text:1:2");
  CHECK(of(c).origin("transport.plugin") == "text");
  CHECK(of(config()).origin("bus.name").empty());
}

TEST_CASE("a file is named in what it says", "[config]") {
  const temporary_file file("[bus]\nthreads = 4\n");
  const auto c = config::from_file(file.path);
  CHECK(at(c, "/bus/threads") == 4);
  CHECK(of(c).origin("bus.threads") == file.path.string() + ":2:1");
}

TEST_CASE("a file that is not there, or is none, is refused with its name", "[config]") {
  const error missing = refusal([] { config::from_file("/nowhere/fleet.toml"); });
  CHECK(missing.code() == error::bad_config);
  CHECK(missing.found() == "/nowhere/fleet.toml: No such file or directory");
  CHECK(missing.wanted() == "a TOML file that can be read");
  CHECK(missing.remedy() == "check the path and its permissions");
  CHECK(has(refusal([] { config::from_file("/"); }).found(), "/: "));
}

TEST_CASE("what is no TOML is refused with line and column", "[config]") {
  const error e = refusal([] { config::from_toml("[bus]\nname = \n"); });
  CHECK(e.code() == error::bad_config);
  CHECK(has(e.found(), "(text:2:8)"));
  CHECK(e.wanted() == "TOML");
  const temporary_file file("a = 1\na = 2\n");
  CHECK(has(refusal([&] { config::from_file(file.path); }).found(), file.path.string() + ":2:"));
}

TEST_CASE("a value set in code is TOML where it is TOML, else text", "[config]") {
  config c;
  c.set("a.number", "4")
      .set("a.flag", "true")
      .set("a.list", "[1, 2]")
      .set("a.quoted", "\"4\"")
      .set("a.table", "{x = 1}");
  CHECK(at(c, "/a/number") == 4);
  CHECK(at(c, "/a/flag") == true);
  CHECK(at(c, "/a/list/1") == 2);
  CHECK(at(c, "/a/quoted") == "4");
  CHECK(at(c, "/a/table/x") == 1);
  for (const char* text : {"fleet", "1MiB", "redis://localhost:6379/0", "", "nan", "+inf", "2024-01-01",
                           "2024-01-01 10:00:00", "1\nb = 2", "1\n[x]", "a = 1"}) {
    CAPTURE(text);
    CHECK(at(c.set("a.text", text), "/a/text") == text);
  }
  CHECK(of(c).origin("a.number") == "set in code");
}

TEST_CASE("a later setting wins, and takes over what it replaces", "[config]") {
  auto c = config::from_toml("[plugin.x]\nlimits = {low = 1, high = 2}\n");
  c.set("plugin.x.limits", "{low = 5}").set("plugin.x.limits.mid", "6");
  CHECK(at(c, "/plugin/x/limits") == json::value({{"low", 5}, {"mid", 6}}));
  CHECK(of(c).origin("plugin.x.limits.low") == "set in code");
}

TEST_CASE("the shorthands set what the file would", "[config]") {
  auto c = config::from_toml("[bus]\nfeatures = [\"a\"]\n");
  c.name("fleet").threads(0).transport("redis-streams").feature("true").plugin_path("/p");
  CHECK(at(c, "/bus/name") == "fleet");
  CHECK(at(c, "/bus/threads") == 0);
  CHECK(at(c, "/transport/plugin") == "redis-streams");
  CHECK(at(c, "/bus/features") == json::array({"a", "true"}));
  CHECK(at(c, "/bus/plugin_path") == json::array({"/p"}));
  CHECK(of(c).origin("bus.features[0]") == "text:2:13");
  CHECK(of(c).origin("bus.features[1]") == "set in code");
}

TEST_CASE("a path through something that is no table is refused", "[config]") {
  auto c = config::from_toml("bus = 4\n");
  const error e = refusal([&] { c.set("bus.threads", "4"); });
  CHECK(e.code() == error::bad_config);
  CHECK(e.found() == "bus, which is no table (text:1:1)");
  CHECK(e.wanted() == "a table");
  CHECK(has(refusal([&] { config().set("bus.features", "4").feature("a"); }).found(),
            "bus.features, which is no list"));
  CHECK(at(c, "/bus") == 4);
}

TEST_CASE("a path with nothing between its dots is refused", "[config]") {
  for (const char* path : {"", ".", "bus.", ".bus", "bus..name", "bus.\"name"}) {
    CAPTURE(path);
    CHECK(refusal([&] { config().set(path, "1"); }).wanted() == "keys joined by dots, such as bus.name");
  }
}

TEST_CASE("a copy is independent of its original", "[config]") {
  config a;
  a.name("one");
  config b = a;
  b.name("two");
  CHECK(at(a, "/bus/name") == "one");
  a = b;
  CHECK(at(a, "/bus/name") == "two");
}

// Found by fuzzing: toml++ 3.3 asserts, or tells the compiler, that these cannot be.
TEST_CASE("a text that is not TOML is refused, whatever stands where a key or white space may", "[config]") {
  for (const char* text :
       {"[!n", "[bus]\n[!n]", "a.!", "[\xd2\x95]", "a = 1 \xc3\xa9", "a = 1\xd2\x95", "\xc2\xa1",
        "[a\xd2\x95"
        "b]\n"}) {
    CAPTURE(text);
    CHECK(refusal([&] { config::from_toml(text); }).code() == error::bad_config);
  }
}
