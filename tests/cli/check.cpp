// postbus check: that it finds each fault, and finds none in what is good.
#include "process.hpp"
#include "support/catch.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

using namespace postbus::tests;

namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

fs::path library_in(const char* folder) { return fs::path(POSTBUS_TEST_DSO_DIR) / folder / "sample.so"; }

std::vector<std::string> words(const fs::path& library, std::vector<std::string> more = {}) {
  std::vector<std::string> all{"check", library.string(), "--json"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

// The checks that do not create the plugins: those of the samples cannot be created.
std::vector<std::string> without_running() {
  std::vector<std::string> only;
  for (const char* name : {"trust",           "elf",        "relro",        "textrel",     "stack",
                           "nodelete",        "exports",    "needed",       "tls",         "note",
                           "manifest",        "settings",   "symbols",      "module",      "load-time",
                           "load-threads",    "load-files", "load-signals", "load-locale", "load-folder",
                           "load-environment"})
    only.insert(only.end(), {"--only", name});
  return only;
}

// The names of what has this verdict, each once.
std::vector<std::string> names_with(const std::string& out, std::string_view verdict) {
  std::vector<std::string> names;
  const json::value all = json::parse(out);
  for (const json::value& check : all.at("checks").as_array())
    if (std::string_view(check.at("verdict").as_string()) == verdict) {
      const std::string name(check.at("name").as_string());
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  return names;
}

}  // namespace

TEST_CASE("check names the one thing that is wrong with a library", "[cli][check]") {
  const std::pair<const char*, const char*> faults[] = {{"no-relro", "relro"},
                                                        {"lazy", "relro"},
                                                        {"unloadable", "nodelete"},
                                                        {"executable-stack", "stack"},
                                                        {"two-exports", "exports"},
                                                        {"text-relocations", "textrel"},
                                                        {"static-tls", "tls"},
                                                        {"no-note", "note"},
                                                        {"unresolved", "symbols"},
                                                        {"other-manifest", "module"},
                                                        {"wrong-magic", "module"},
                                                        {"newer-contract", "module"},
                                                        {"bad-example", "settings"},
                                                        {"load-thread", "load-threads"},
                                                        {"load-file", "load-files"},
                                                        {"load-signal", "load-signals"},
                                                        {"load-locale", "load-locale"},
                                                        {"load-folder", "load-folder"},
                                                        {"load-environment", "load-environment"},
                                                        {"load-slowly", "load-time"},
                                                        {"not-elf", "elf"}};
  const temporary_folder folder;
  for (const auto& [library, fault] : faults) {
    const outcome o = run(folder, words(library_in(library), without_running()));
    CAPTURE(library, o.out, o.err);
    CHECK(o.status == 1);
    CHECK(names_with(o.out, "failed") == std::vector<std::string>{fault});
  }
}

TEST_CASE("check finds nothing in a good library", "[cli][check]") {
  const temporary_folder folder;
  const outcome o = run(folder, words(library_in("good"), without_running()));
  CAPTURE(o.out, o.err);
  CHECK(o.status == 0);
  CHECK(names_with(o.out, "passed").size() == without_running().size() / 2);
}

TEST_CASE("check does not load what somebody else may write", "[cli][check]") {
  const temporary_folder folder;
  const fs::path copy = folder / "sample.so";
  fs::copy_file(library_in("good"), copy);
  fs::permissions(copy, fs::perms::others_write, fs::perm_options::add);
  const outcome o = run(folder, words("./sample.so"));
  CHECK(o.status == 1);
  CHECK(names_with(o.out, "failed") == std::vector<std::string>{"trust"});
  CHECK(names_with(o.out, "passed").empty());
}

TEST_CASE("check passes the memory transport, row by row, and says what its capabilities are worth",
          "[cli][check]") {
  const temporary_folder folder;
  folder.write("mine.toml", "[transport]\nqueue_max = 1000\n[log]\nlevel = \"off\"\n");
  const outcome o = run(folder, {"check", POSTBUS_MEMORY_PLUGIN, "--only", "5", "--only", "4", "--only",
                                 "exports", "--config", "mine.toml", "--junit", "result.xml"});
  CAPTURE(o.out, o.err);
  CHECK(o.status == 0);
  CHECK(o.out.find("passed  exports ") != std::string::npos);
  CHECK(o.out.find("transport memory\npassed  4 ") != std::string::npos);
  CHECK(o.out.find("\ngroups ") != std::string::npos);
  CHECK(o.out.find("3 passed, 0 failed, 0 skipped\n") != std::string::npos);
  std::stringstream xml;
  xml << std::ifstream(folder / "result.xml").rdbuf();
  CHECK(xml.str().find("tests=\"3\" failures=\"0\" skipped=\"0\"") != std::string::npos);
}

TEST_CASE("a transport on which no bus can be made is said to be one", "[cli][check]") {
  const temporary_folder folder;
  const outcome o = run(folder, words(library_in("good"), {"--only", "5"}));
  CHECK(o.status == 1);
  CHECK(names_with(o.out, "failed") == std::vector<std::string>{"bus"});
}

TEST_CASE("check refuses what it cannot look at", "[cli][check]") {
  const temporary_folder folder;
  CHECK(run(folder, {"check"}).status == 2);
  CHECK(run(folder, {"check", "./nothing.so"}).status == 2);
  CHECK(run(folder, {"check", POSTBUS_MEMORY_PLUGIN, "--only", "everything"}).status == 2);
}
