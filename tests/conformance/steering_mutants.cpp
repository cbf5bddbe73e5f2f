// Whether row 29 would notice: steering that breaks a promise, and the sentence of the row that is there to find it.
#include "support/catch.hpp"

#include <postbus/conformance/library.hpp>
#include <postbus/conformance/suite.hpp>

#include <set>

namespace {

using namespace postbus;
using namespace postbus::conformance;

config breaking(std::string_view what) {
  return config()
      .plugin_path(POSTBUS_TEST_PLUGIN_DIR)  // for the transport and the store
      .feature(POSTBUS_MUTANT_STEERING)
      .set("plugin.steering.breaks", "\"" + std::string(what) + "\"")
      .set("log.level", "off");
}

struct hunted_promise {
  const char* what;
  std::set<std::string> caught_by;  // each of these, by how its title begins
};

const hunted_promise hunted[] = {
    {"order", {"messages to a session are taken"}},
    {"order rarely", {"messages to a session are taken"}},
    {"lost", {"messages to a session are taken", "what a worker had"}},
    {"lost rarely", {"messages to a session are taken", "what a worker had"}},
    {"session", {"messages to a session are taken"}},
    {"session rarely", {"messages to a session are taken"}},
    {"again", {"messages to a session are taken"}},
    {"crash", {"what a worker had"}},
    {"interrupt", {"an abort or an interrupt"}},
    {"abort", {"an abort or an interrupt"}},
    {"late", {"what comes after the end"}},
    {"late rarely", {"what comes after the end"}},
    {"end", {"what comes after the end"}},
};

}  // namespace

TEST_CASE("steering that breaks nothing passes its rows", "[conformance][mutants]") {
  const suite over(breaking("nothing"));
  for (const row& r : rows()) {
    if (r.number != 29) continue;
    const result got = run_in_child([&] { return over.run(r); }, std::chrono::seconds(60));
    CAPTURE(r.title, got.reasons);
    CHECK(got.verdict == verdict::passed);
  }
}

TEST_CASE("a promise of steering that is broken is found", "[conformance][mutants]") {
  for (const hunted_promise& p : hunted) {
    const suite over(breaking(p.what), std::chrono::seconds(1));
    for (const row& r : rows()) {
      const bool is_hunter =
          r.number == 29 && std::ranges::any_of(p.caught_by, [&](const std::string& title) {
            return std::string_view(r.title).starts_with(title);
          });
      if (!is_hunter) continue;
      const result got = run_in_child([&] { return over.run(r); }, std::chrono::seconds(10));
      CAPTURE(p.what, r.title);
      CHECK(got.verdict == verdict::failed);
    }
  }
}
