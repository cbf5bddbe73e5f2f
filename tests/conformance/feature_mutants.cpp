// Whether the rows of the features would notice: a feature that breaks one promise, and the row that is there to find it.
#include "support/catch.hpp"

#include <postbus/conformance/library.hpp>
#include <postbus/conformance/suite.hpp>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

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
  std::vector<std::string_view>
      caught_by{};  // each of these rows, by how its title begins; none: any row of the feature
};

constexpr const char *fifo = "messages to a session are taken", *crash = "what a worker had",
                     *stop = "an abort or an interrupt", *late = "what comes after the end",
                     *paused = "once a pause", *running = "what runs", *lapsed = "what comes from";

const hunted_promise hunted[] = {
    {"dedup", "claim"},
    {"dedup", "claim rarely"},
    {"dedup", "key"},
    {"dedup", "key rarely"},
    {"dedup", "done"},
    {"dedup", "done rarely"},
    {"dedup", "wait"},
    {"dedup", "wait rarely"},
    {"dedup", "release"},
    {"dedup", "release rarely"},
    {"dedup", "park"},
    {"dedup", "park rarely"},
    {"steering", "order", {fifo}},
    {"steering", "order rarely", {fifo}},
    {"steering", "lost", {fifo, crash}},
    {"steering", "lost rarely", {fifo, crash}},
    {"steering", "session", {fifo}},
    {"steering", "session rarely", {fifo}},
    {"steering", "again", {fifo}},
    {"steering", "crash", {crash}},
    {"steering", "interrupt", {stop}},
    {"steering", "abort", {stop}},
    {"steering", "late", {late}},
    {"steering", "late rarely", {late}},
    {"steering", "end", {late}},
    {"brake", "starts", {paused}},
    {"brake", "starts rarely", {paused}},
    {"brake", "refusal", {paused}},
    {"brake", "others", {paused}},
    {"brake", "others rarely", {paused}},
    {"brake", "order", {paused}},
    {"brake", "order rarely", {paused}},
    {"brake", "pause", {paused, running}},
    {"brake", "paused too soon", {running}},
    {"brake", "list", {running}},
    {"brake", "late publish", {lapsed}},
    {"brake", "late ack", {lapsed}},
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
    CAPTURE(p.feature, p.what);
    const auto finds = [&](const row& r) {
      return run_in_child([&] { return over.run(r); }, std::chrono::seconds(20)).verdict == verdict::failed;
    };
    const auto is_of = [&](const row& r, std::string_view title) {
      return r.feature != nullptr && std::string_view(r.feature) == p.feature &&
             std::string_view(r.title).starts_with(title);
    };
    const auto all = rows();
    for (const std::string_view title : p.caught_by)
      for (const row& r : all) {
        CAPTURE(r.title);
        if (is_of(r, title)) CHECK(finds(r));
      }
    if (p.caught_by.empty())
      CHECK(std::any_of(all.begin(), all.end(), [&](const row& r) { return is_of(r, "") && finds(r); }));
    ++mutants[p.feature];
    rare[p.feature] += std::string_view(p.what).ends_with(" rarely");
  }
  for (const std::string& feature : features()) {
    CAPTURE(feature);
    CHECK((mutants[feature] >= 3 && rare[feature] >= 1));
  }
}
