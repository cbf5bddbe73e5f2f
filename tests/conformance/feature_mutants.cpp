// Whether the rows of the features would notice: a feature that breaks one promise, and the row that is there to find it.
#include "support/catch.hpp"

#include <postbus/conformance/library.hpp>
#include <postbus/conformance/suite.hpp>

#include <filesystem>
#include <map>
#include <set>
#include <string>

namespace {

using namespace postbus;
using namespace postbus::conformance;

// The mutants of a feature lie in a folder of its name, under its own id.
suite over_broken(const std::string& feature, std::string_view what) {
  return suite(config()
                   .plugin_path(std::filesystem::path(POSTBUS_MUTANT_FEATURES) / feature)
                   .plugin_path(POSTBUS_TEST_PLUGIN_DIR)
                   .feature(feature)
                   .set("plugin." + feature + ".breaks", "\"" + std::string(what) + "\"")
                   .set("log.level", "off"),
               std::chrono::seconds(1));
}

struct hunted_promise {
  const char *feature, *what;
};

const hunted_promise hunted[] = {
    {"dedup", "claim"},   {"dedup", "claim rarely"},   {"dedup", "key"},  {"dedup", "key rarely"},
    {"dedup", "done"},    {"dedup", "done rarely"},    {"dedup", "wait"}, {"dedup", "wait rarely"},
    {"dedup", "release"}, {"dedup", "release rarely"}, {"dedup", "park"}, {"dedup", "park rarely"},
};

std::set<std::string> features() {
  std::set<std::string> all;
  for (const row& r : rows())
    if (r.feature != nullptr) all.insert(r.feature);
  return all;
}

}  // namespace

TEST_CASE("a feature that breaks nothing passes its rows", "[conformance][mutants]") {
  for (const std::string& feature : features()) {
    const suite over = over_broken(feature, "nothing");
    for (const row& r : rows()) {
      if (r.feature == nullptr || r.feature != feature) continue;
      const result got = run_in_child([&] { return over.run(r); }, std::chrono::seconds(60));
      CAPTURE(r.number, r.title, got.reasons);
      CHECK(got.verdict == verdict::passed);
    }
  }
}

TEST_CASE("a promise that a feature breaks is found by a row of it", "[conformance][mutants]") {
  std::map<std::string, int> mutants, rare;
  for (const hunted_promise& p : hunted) {
    const suite over = over_broken(p.feature, p.what);
    bool is_found = false;
    for (const row& r : rows()) {
      if (is_found || r.feature == nullptr || std::string_view(r.feature) != p.feature) continue;
      is_found =
          run_in_child([&] { return over.run(r); }, std::chrono::seconds(10)).verdict == verdict::failed;
    }
    CAPTURE(p.feature, p.what);
    CHECK(is_found);
    ++mutants[p.feature];
    rare[p.feature] += std::string_view(p.what).ends_with(" rarely");
  }
  for (const std::string& feature : features()) {
    CAPTURE(feature);
    CHECK((mutants[feature] >= 3 && rare[feature] >= 1));
  }
}
