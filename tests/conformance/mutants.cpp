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
      .plugin_path(std::filesystem::path(POSTBUS_MUTANT_PLUGIN).parent_path())
      .transport("mutant")
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

namespace {

struct broken_promise {
  const char* what;
  std::set<unsigned> caught_by;  // each of these rows
};

const broken_promise broken_promises[] = {
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

class hunt : public Catch::ITestInvoker {
 public:
  explicit hunt(const broken_promise& promise) : promise_(promise) {}
  void invoke() const override {
    REQUIRE(std::ranges::find(mutant::names, promise_.what) != std::end(mutant::names));
    CHECK(failing(promise_.what, promise_.caught_by) == promise_.caught_by);
  }

 private:
  const broken_promise& promise_;
};

using invoker = decltype(Catch::makeTestInvoker(static_cast<void (*)()>(nullptr)));

const bool registered = [] {
  for (const broken_promise& p : broken_promises)
    Catch::AutoReg(
        invoker(new hunt(p)), CATCH_INTERNAL_LINEINFO, "",
        Catch::NameAndTags{std::string("a broken promise is found: ") + p.what, "[conformance][mutants]"});
  return true;
}();

}  // namespace

TEST_CASE("the broken promises are registered", "[conformance][mutants]") { CHECK(registered); }

namespace {

// The names of the checks of the library that fail. The second plugin of the library breaks its promise whatever is set, so the checks
// are told apart by what they say.
std::string said_by(const char* name, const library_under_test& library) {
  std::string said;
  for (const library_check& c : library_checks()) {
    if (std::string_view(c.name) != name) continue;
    for (const std::string& one : run_in_child([&] { return run(c, library); }, c.deadline).reasons)
      said += one + "\n";
  }
  return said;
}

}  // namespace

TEST_CASE("what a bus cannot see is found by the checks that drive the plugin themselves",
          "[conformance][mutants]") {
  const auto broken = [](const char* what) {
    return library_under_test{POSTBUS_MUTANT_PLUGIN,
                              bare_config().set("transport.breaks", "\"" + std::string(what) + "\"")};
  };
  CHECK(said_by("quiet", broken("quiet")).find("'mutant' broke a promise: a delivery of") !=
        std::string::npos);
  CHECK(said_by("quiet", broken("credit")).find("came beyond the credit") != std::string::npos);
  CHECK(said_by("quiet", broken("nothing")).find("'mutant' broke") == std::string::npos);
  CHECK(said_by("batches", broken("batch")).find("arrives whole") != std::string::npos);
  CHECK(said_by("batches", broken("nothing")).find("arrives whole") == std::string::npos);
  CHECK(said_by("stop", broken("nothing"))
            .find("'mutant-answers' broke a promise: publish was answered a second") != std::string::npos);
  CHECK(said_by("stop", broken("nothing")).find("'mutant' broke") == std::string::npos);
}
