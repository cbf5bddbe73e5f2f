// Whether the suite would notice: a transport or a core that breaks one promise, and the rows that are there to find it. The table that
// this makes, as Markdown: test-conformance "[table]".
#include "hunted.hpp"
#include "mutants/breaks.hpp"
#include "mutants/core/broken.hpp"
#include "support/catch.hpp"

#include <postbus/conformance/library.hpp>
#include <postbus/conformance/suite.hpp>

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>

namespace {

using namespace postbus;
using namespace postbus::conformance;
using mutant::hunted_promise;

constexpr std::chrono::seconds row_max{100}, hunt_max{10};

config breaking(std::string_view what, std::string_view transport = "mutant") {
  return config()
      .plugin_path(std::filesystem::path(POSTBUS_MUTANT_PLUGIN).parent_path())
      .plugin_path(POSTBUS_TEST_PLUGIN_DIR)  // for its store
      .transport(transport)
      .set("transport.breaks", "\"" + std::string(what) + "\"")
      .set("log.level", "off");
}

// A bus whose events travel as bytes, which can be such as no codec made.
config over_bytes() {
  return config()
      .plugin_path(POSTBUS_TEST_PLUGIN_DIR)
      .transport("hub")
      .set("transport.path", "\"mutants-" + std::to_string(::getpid()) + "\"")
      .set("log.level", "off");
}

// Where a row is played. The mutant carries events, of which none is undecodable, and has flow control, with which none is too much.
std::vector<config> stages_for(const row& r, std::string_view breaks) {
  if (r.number == 12) return {over_bytes()};
  if (r.number == 22) return {breaking(breaks), breaking(breaks, "mutant-flood")};
  return {breaking(breaks)};
}

enum class where { transport, core };

// The numbers of the rows that catch it, among those that should. What does not come is not waited for as long as what is late.
std::set<unsigned> catching(const hunted_promise& promise, where kept) {
  std::set<unsigned> caught;
  for (const row& r : rows()) {
    if (!promise.caught_by.contains(r.number)) continue;
    for (const config& stage : stages_for(r, kept == where::transport ? promise.what : "nothing")) {
      if (caught.contains(r.number)) break;
      const suite over(stage, std::chrono::seconds(1));
      const auto play = [&] {
        if (kept == where::core) mutant::break_core(promise.what);
        return over.run(r);
      };
      if (run_in_child(play, hunt_max).verdict == verdict::failed) caught.insert(r.number);
    }
  }
  return caught;
}

class hunt : public Catch::ITestInvoker {
 public:
  hunt(const hunted_promise& promise, where kept) : promise_(promise), kept_(kept) {}
  void invoke() const override {
    const auto caught = catching(promise_, kept_);
    for (const unsigned number : promise_.caught_by) {
      CAPTURE(number);
      CHECK(caught.contains(number));
    }
  }

 private:
  const hunted_promise& promise_;
  const where kept_;
};

using invoker = decltype(Catch::makeTestInvoker(static_cast<void (*)()>(nullptr)));

void add_test(const hunted_promise& p, where kept) {
  const std::string lead =
      kept == where::core ? "a promise that the core breaks is found: " : "a broken promise is found: ";
  Catch::AutoReg(invoker(new hunt(p, kept)), CATCH_INTERNAL_LINEINFO, "",
                 Catch::NameAndTags{lead + p.what, "[conformance][mutants]"});
}

const bool registered = [] {
  for (const hunted_promise& p : mutant::hunted_in_transports()) {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
    if (p.what == "leak rarely") continue;  // row 27 plays fewer rounds here than one leak takes
#endif
    add_test(p, where::transport);
  }
  for (const hunted_promise& p : mutant::hunted_in_core()) add_test(p, where::core);
  return true;
}();

// By the number of the row that catches them.
std::map<unsigned, std::vector<std::string>> mutants_of_rows() {
  std::map<unsigned, std::vector<std::string>> all;
  for (const row& r : rows())
    if (r.feature == nullptr) all[r.number];
  for (const hunted_promise& p : mutant::hunted_in_transports())
    for (const unsigned number : p.caught_by) all[number].push_back(p.what);
  for (const hunted_promise& p : mutant::hunted_in_core())
    for (const unsigned number : p.caught_by) all[number].push_back("core: " + p.what);
  return all;
}

// The promises that core.breaks names, each with what is wrong when it is broken.
std::map<std::string, std::string> promises_of_core() {
  std::map<std::string, std::string> all;
  std::ifstream breaks(POSTBUS_CORE_BREAKS);
  for (std::string line; std::getline(breaks, line);)
    if (const auto end = line.find(": ");
        end != line.npos && line.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == end)
      all[line.substr(0, end)] = line.substr(end + 2);
  return all;
}

}  // namespace

TEST_CASE("where nothing is broken every row passes", "[conformance][mutants]") {
  for (const row& r : rows()) {
    if (r.feature != nullptr) continue;  // feature_mutants.cpp
    std::size_t passed = 0;
    for (const config& stage : stages_for(r, "nothing")) {
      const suite over(stage);
      const result got = run_in_child([&] { return over.run(r); }, row_max);
      CAPTURE(r.number, r.title, got.reasons);
      CHECK(got.verdict != verdict::failed);
      passed += got.verdict == verdict::passed;
    }
    CAPTURE(r.number, r.title);
    CHECK(passed == 1);
  }
}

TEST_CASE("each row has at least three mutants, one of them rare", "[conformance][mutants]") {
  CHECK(registered);
  for (const auto& [number, mutants] : mutants_of_rows()) {
    CAPTURE(number, mutants);
    CHECK(mutants.size() >= 3);
    const bool any_is_rare =
        std::ranges::any_of(mutants, [](const auto& m) { return m.ends_with(" rarely"); });
    CHECK(any_is_rare);
  }
}

TEST_CASE("what is hunted can be broken, and what can be broken in the core is hunted",
          "[conformance][mutants]") {
  for (const hunted_promise& p : mutant::hunted_in_transports()) {
    CAPTURE(p.what);
    CHECK(mutant::broken_promise::named(p.what).what != mutant::breaks::nothing);
  }
  std::set<std::string> can_be_broken, hunted;
  for (const auto& [name, wrong] : promises_of_core()) can_be_broken.insert(name);
  for (const hunted_promise& p : mutant::hunted_in_core()) hunted.emplace(mutant::promise_in(p.what));
  CHECK(hunted == can_be_broken);
}

TEST_CASE("prints which mutants each row catches", "[.][table]") {
  std::cout << "| row | what must be true | is caught when broken |\n|---|---|---|\n";
  for (const auto& [number, mutants] : mutants_of_rows()) {
    std::string titles, names;
    for (const row& r : rows())
      if (r.number == number) titles += (titles.empty() ? "" : "; ") + std::string(r.title);
    for (const std::string& m : mutants) names += (names.empty() ? "" : ", ") + m;
    std::cout << "| " << number << " | " << titles << " | " << names << " |\n";
  }
}
