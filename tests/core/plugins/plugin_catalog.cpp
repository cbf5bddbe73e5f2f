#include "plugins/plugin_catalog.hpp"

#include "linked_module.hpp"
#include "refusal.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

using namespace postbus;
using namespace postbus::detail;
namespace fs = std::filesystem;

namespace {

fs::path folder(std::string_view name) { return fs::path(POSTBUS_TEST_DSO_DIR) / name; }

plugin_catalog catalog(std::vector<fs::path> folders, const std::vector<const postbus_module*>& linked = {}) {
  return plugin_catalog(std::move(folders), linked);
}

error refused(plugin_catalog c, const std::string& name, plugin_role role = plugin_role::feature) {
  return refusal([&] { c.find({name, "f.toml:1:1"}, role); });
}

// POSTBUS_PLUGIN_PATH as long as the test runs.
struct path_variable {
  explicit path_variable(const std::string& value) { ::setenv("POSTBUS_PLUGIN_PATH", value.c_str(), 1); }
  ~path_variable() { ::unsetenv("POSTBUS_PLUGIN_PATH"); }
};

}  // namespace

TEST_CASE("a plugin is found by its id on the path", "[plugin_catalog]") {
  auto c = catalog({folder("no-such-folder"), folder("good")});
  const found_plugin found = c.find({"sample", ""}, plugin_role::feature);
  CHECK(found.plugin->id == "sample");
  CHECK(found.library->file == folder("good") / "sample.so");
  CHECK(c.find({"sample-transport", ""}, plugin_role::transport).library == found.library);
}

TEST_CASE("of two folders the first on the path wins, and a linked module before both", "[plugin_catalog]") {
  CHECK(catalog({folder("wrong-magic"), folder("good")})
            .find({"sample", ""}, plugin_role::feature)
            .library->file == folder("wrong-magic") / "sample.so");
  const linked_module linked({"sample"}, R"({"id": "sample", "provides": ["postbus.interceptor/1"]})");
  CHECK(catalog({folder("good")}, {&linked.module})
            .find({"sample", ""}, plugin_role::feature)
            .library->linked == &linked.module);
}

TEST_CASE("a name with a slash is a file", "[plugin_catalog]") {
  auto c = catalog({});
  const std::string file = (folder("good") / "sample.so").string();
  CHECK(c.find({file, ""}, plugin_role::feature).plugin->id == "sample");
  CHECK(c.find({file, ""}, plugin_role::transport).plugin->id == "sample-transport");
  CHECK(refused(catalog({}), "./nothing.so").found() == "./nothing.so: No such file or directory");
}

TEST_CASE("a missing plugin is named with the folders, the known ids and the nearest", "[plugin_catalog]") {
  const error e = refused(catalog({folder("good"), folder("nowhere")}), "smaple");
  CHECK(e.code() == error::bad_plugin);
  CHECK(e.found() == "no plugin 'smaple' (f.toml:1:1) in " + folder("good").string() + ", " +
                         folder("nowhere").string() + " (no such folder)");
  CHECK(e.wanted() == "one of sample, sample-transport");
  CHECK(e.remedy() == "did you mean 'sample'?");
  const error far = refused(catalog({folder("good")}), "xyzzy");
  CHECK(far.remedy() == "put its library into one of the folders, or give its file (with a '/')");
  CHECK(refused(catalog({}), "x").wanted() == "a plugin; there is none");
}

TEST_CASE("a bad file on the path is in nobody's way, and is told when a plugin is missing",
          "[plugin_catalog]") {
  auto c = catalog({folder("not-elf"), folder("no-note"), folder("good")});
  CHECK(c.find({"sample", ""}, plugin_role::feature).library->file == folder("good") / "sample.so");
  const error e = refused(catalog({folder("not-elf"), folder("no-note"), folder("good")}), "other");
  CHECK(has(e.remedy(), "; passed over: unusable plugin: found " +
                            (folder("not-elf") / "sample.so").string() + ", which is not an ELF file"));
  CHECK(has(e.remedy(), "; passed over: unusable plugin: found " +
                            (folder("no-note") / "sample.so").string() + ", which has no manifest note"));
}

TEST_CASE("two libraries of one folder with the same plugin are refused, and both are named",
          "[plugin_catalog]") {
  const error e = refused(catalog({folder("namesakes")}), "sample");
  CHECK(e.found() == "plugin 'sample' in " + (folder("namesakes") / "sample.so").string() + " and in " +
                         (folder("namesakes") / "second.so").string());
  CHECK(e.wanted() == "one library with it");
  CHECK(e.remedy() == "remove one of the two, or give the file instead of the id");
  CHECK(catalog({folder("good"), folder("namesakes")})
            .find({"sample", ""}, plugin_role::feature)
            .library->file == folder("good") / "sample.so");
}

TEST_CASE("a plugin in the wrong place is refused with the right one", "[plugin_catalog]") {
  const error feature = refused(catalog({folder("good")}), "sample-transport");
  CHECK(feature.code() == error::bad_config);
  CHECK(feature.found() ==
        "'sample-transport' as bus.features (f.toml:1:1), which provides postbus.transport/1");
  CHECK(feature.wanted() == "a plugin that provides postbus.interceptor/1 or postbus.control/1");
  CHECK(feature.remedy() == "give it as transport.plugin");
  CHECK(refused(catalog({folder("good")}), "sample", plugin_role::transport).remedy() ==
        "list it in bus.features");
}

TEST_CASE("a file with several plugins of one kind does not say which is meant", "[plugin_catalog]") {
  const std::string file = (folder("two-features") / "sample.so").string();
  const error e = refused(catalog({}), file);
  CHECK(e.code() == error::bad_plugin);
  CHECK(e.found() == file + " (f.toml:1:1), which has more than one: sample, sample-transport");
  CHECK(e.wanted() == "a file with one plugin of this kind");
  CHECK(e.remedy() == "put its folder on bus.plugin_path and give the id");
  CHECK(refused(catalog({}), file, plugin_role::transport).remedy() == "list it in bus.features");
}

TEST_CASE("two names of one file are one library", "[plugin_catalog]") {
  const fs::path links = fs::temp_directory_path() / ("postbus-" + std::to_string(::getpid()));
  fs::create_directory(links);
  for (const char* name : {"a.so", "b.so"}) fs::create_symlink(folder("good") / "sample.so", links / name);
  fs::create_symlink("/nowhere", links / "c.so");
  auto c = catalog({links});
  const fs::path found = c.find({"sample", ""}, plugin_role::feature).library->file;
  fs::remove_all(links);
  CHECK(found == links / "a.so");
}

TEST_CASE("the path is the variable, then what is configured, then beside the program, each folder once",
          "[plugin_catalog]") {
  const path_variable variable("/v/one::/v/two:/c");
  const std::vector<fs::path> folders = plugin_folders({"/c", "/c/../d"});
  REQUIRE(folders.size() >= 6);
  CHECK(folders[0] == "/v/one");
  CHECK(folders[1] == "/v/two");
  CHECK(folders[2] == "/c");
  CHECK(folders[3] == "/d");
  const fs::path program = fs::read_symlink("/proc/self/exe").parent_path();
  CHECK(folders[4] == program.parent_path() / "plugins");
  CHECK(folders[5] == program / "plugins");
}

TEST_CASE("who provides an interface is known", "[plugin_catalog]") {
  auto c = catalog({folder("good")});
  CHECK(c.providers_of("postbus.transport/1") == std::vector<std::string>{"sample-transport"});
  CHECK(c.providers_of("sample") == std::vector<std::string>{"sample"});
  CHECK(c.providers_of("postbus.tea/1").empty());
}
