// Whether the suite would notice: a transport that breaks one promise, and the row that is there to find it. The table that this makes,
// as Markdown: test-conformance "[table]".
#include "mutants/breaks.hpp"
#include "support/catch.hpp"

#include <postbus/conformance/library.hpp>
#include <postbus/conformance/suite.hpp>

#include <algorithm>
#include <iostream>
#include <map>
#include <set>

namespace {

using namespace postbus;
using namespace postbus::conformance;

constexpr std::chrono::seconds row_max{60}, hunt_max{10};

config breaking(std::string_view what) {
  return config()
      .plugin_path(std::filesystem::path(POSTBUS_MUTANT_PLUGIN).parent_path())
      .plugin_path(POSTBUS_TEST_PLUGIN_DIR)  // for its store
      .transport("mutant")
      .set("transport.breaks", "\"" + std::string(what) + "\"")
      .set("log.level", "off");
}

// The numbers of the rows, among these, that fail. What does not come is not waited for as long as what is late.
std::set<unsigned> failing(std::string_view what, const std::set<unsigned>& among) {
  const suite over(breaking(what), std::chrono::seconds(1));
  std::set<unsigned> failed;
  for (const row& r : rows()) {
    if (!among.contains(r.number) || failed.contains(r.number)) continue;
    const result got = run_in_child([&] { return over.run(r); }, hunt_max);
    if (got.verdict == verdict::failed) failed.insert(r.number);
  }
  return failed;
}

struct hunted_promise {
  const char* what;
  std::set<unsigned> caught_by;  // each of these rows
};

const hunted_promise hunted[] = {
    {"delivery", {3, 4, 5, 6, 17, 20, 25, 32}},
    {"delivery rarely", {2, 3, 4, 5, 6, 9, 10, 11, 17, 20, 32}},
    {"once", {3, 4, 5, 6, 17, 20}},
    {"once rarely", {2, 3, 4, 5, 6, 9, 10, 11, 17, 20}},
    {"once again", {1, 7, 23}},
    {"order", {6, 20}},
    {"topic", {2}},
    {"topic rarely", {2}},
    {"pattern", {2}},
    {"pattern rarely", {2}},
    {"id", {1, 9, 10}},
    {"id rarely", {1, 9, 10}},
    {"headers", {1, 32}},
    {"headers rarely", {1, 10, 32}},
    {"headers again", {1}},
    {"data", {1}},
    {"data rarely", {1}},
    {"data again", {1}},
    {"ordering_key", {1, 6}},
    {"ordering_key again", {1}},
    {"ttl", {18}},
    {"ttl rarely", {18}},
    {"ttl again", {18}},
    {"group", {4, 28}},
    {"group rarely", {4, 28}},
    {"forget", {4, 9, 10, 11, 28}},
    {"forget rarely", {4, 8, 11}},
    {"forget again", {7, 8, 9, 11}},
    {"hasty", {8, 9}},
    {"hasty rarely", {8, 9}},
    {"hasty again", {8}},
    {"count", {7}},
    {"count rarely", {7}},
    {"count again", {7}},
    {"count_of_drains", {7}},
    {"count_of_drains rarely", {7}},
    {"release", {7, 11, 23, 28}},
    {"release rarely", {7, 11, 23}},
    {"release again", {7, 11}},
    {"answer", {1, 20}},
    {"answer rarely", {1, 20}},
    {"refusal", {1, 20, 24, 25, 26}},
    {"refusal rarely", {20}},
    {"closing", {24}},
    {"unwell", {26}},
    {"crash", {24, 25, 26, 27}},
    {"leak", {27}},
    {"leak rarely", {27}},
    {"credit", {22}},
    {"credit rarely", {22}},
    {"credit_back", {5, 6, 22}},
    {"full", {22}},
    {"bound", {22}},
    {"bound rarely", {22}},
    {"past", {21, 28}},
    {"replay", {21}},
    {"replay rarely", {21}},
    {"position", {21}},
    {"time", {21}},
    {"no_group", {4, 28}},
    {"no_pattern", {2, 28}},
};

// What it sees happens once in the life of a bus, so nothing of it is rare.
const std::set<unsigned> sees_no_rare_ones{24, 25, 26};
// The mutant carries events, not bytes: there is nothing on it that cannot be decoded. A row that looks at a feature has mutants of that.
bool is_played(const row& r) { return r.number != 12 && r.feature == nullptr; }

class hunt : public Catch::ITestInvoker {
 public:
  explicit hunt(const hunted_promise& promise) : promise_(promise) {}
  void invoke() const override {
    const auto caught = failing(promise_.what, promise_.caught_by);
    for (const unsigned number : promise_.caught_by) {
      CAPTURE(number);
      CHECK(caught.contains(number));
    }
  }

 private:
  const hunted_promise& promise_;
};

using invoker = decltype(Catch::makeTestInvoker(static_cast<void (*)()>(nullptr)));

const bool registered = [] {
  for (const hunted_promise& p : hunted) {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
    if (std::string_view(p.what) == "leak rarely")
      continue;  // row 27 plays fewer rounds here than one leak takes
#endif
    Catch::AutoReg(
        invoker(new hunt(p)), CATCH_INTERNAL_LINEINFO, "",
        Catch::NameAndTags{std::string("a broken promise is found: ") + p.what, "[conformance][mutants]"});
  }
  return true;
}();

// By the number of the row that catches them.
std::map<unsigned, std::vector<std::string>> mutants_of_rows() {
  std::map<unsigned, std::vector<std::string>> all;
  for (const row& r : rows())
    if (is_played(r)) all[r.number];
  for (const hunted_promise& p : hunted)
    for (const unsigned number : p.caught_by) all[number].emplace_back(p.what);
  return all;
}

}  // namespace

TEST_CASE("the mutant that breaks nothing passes every row", "[conformance][mutants]") {
  const suite over(breaking("nothing"));
  for (const row& r : rows()) {
    const result got = run_in_child([&] { return over.run(r); }, row_max);
    CAPTURE(r.number, r.title, got.reasons);
    CHECK(got.verdict == (is_played(r) ? verdict::passed : verdict::skipped));
  }
}

TEST_CASE("each row has at least three mutants, one of them rare", "[conformance][mutants]") {
  CHECK(registered);
  for (const auto& [number, mutants] : mutants_of_rows()) {
    CAPTURE(number, mutants);
    CHECK(mutants.size() >= 3);
    const bool any_is_rare =
        std::ranges::any_of(mutants, [](const auto& m) { return m.ends_with(" rarely"); });
    CHECK(any_is_rare != sees_no_rare_ones.contains(number));
  }
  for (const hunted_promise& p : hunted) {
    CAPTURE(p.what);
    CHECK(mutant::broken_promise::named(p.what).what != mutant::breaks::nothing);
  }
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
