// Whether the suite would notice: a transport that breaks one promise, and the row that is there to find it.
#include "mutants/breaks.hpp"
#include "support/catch.hpp"

#include <postbus/conformance/library.hpp>
#include <postbus/conformance/suite.hpp>

#include <algorithm>
#include <set>

namespace {

using namespace postbus;
using namespace postbus::conformance;

config breaking(std::string_view what) {
  return config()
      .transport(POSTBUS_MUTANT_PLUGIN)
      .set("transport.breaks", "\"" + std::string(what) + "\"")
      .set("log.level", "off");
}

constexpr std::chrono::seconds row_max{60};

// The numbers of the rows, among these, that fail.
std::set<unsigned> failing(std::string_view what, const std::set<unsigned>& among) {
  const suite over(breaking(what));
  std::set<unsigned> failed;
  for (const row& r : rows()) {
    if (!among.contains(r.number) || failed.contains(r.number)) continue;
    const result got = run_in_child([&] { return over.run(r); }, row_max);
    if (got.verdict == verdict::failed) failed.insert(r.number);
  }
  return failed;
}

}  // namespace

TEST_CASE("the mutant that breaks nothing passes every row", "[conformance][mutants]") {
  const suite over(breaking("nothing"));
  for (const row& r : rows()) {
    const result got = run_in_child([&] { return over.run(r); }, row_max);
    CAPTURE(r.number, r.title, got.reasons);
    CHECK(got.verdict == verdict::passed);
  }
}

TEST_CASE("each broken promise fails the rows that are there for it", "[conformance][mutants]") {
  const std::pair<const char*, std::set<unsigned>> caught[] = {
      {"delivery", {3, 4, 5, 6, 20}},
      {"delivery_rarely", {3, 4, 6, 20}},
      {"once", {3, 4, 5, 6, 20}},
      {"once_rarely", {3, 4, 6, 20}},
      {"order", {6, 20}},
      {"topic", {2}},
      {"pattern", {2}},
      {"headers", {1}},
      {"data", {1}},
      {"ordering_key", {1}},
      {"group", {4}},
      {"count", {7}},
      {"count_of_drains", {7}},
      {"retry", {7}},
      {"release", {7, 23}},
      {"answer", {1, 20}},
      {"credit", {22}},
      {"credit_back", {5, 6, 22}},
      {"full", {22}},
      {"bound", {22}},
  };
  for (const auto& [what, expected] : caught) {
    CAPTURE(what);
    REQUIRE(std::ranges::find(mutant::names, what) != std::end(mutant::names));
    CHECK(failing(what, expected) == expected);
  }
}
