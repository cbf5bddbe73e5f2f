// Whether row 30 would notice: a brake that breaks a promise, and the sentence of the row that is there to find it.
#include "support/catch.hpp"

#include <postbus/conformance/library.hpp>
#include <postbus/conformance/suite.hpp>

namespace {

using namespace postbus;
using namespace postbus::conformance;

config breaking(std::string_view what) {
  return config()
      .plugin_path(POSTBUS_TEST_PLUGIN_DIR)  // for the transport and the store
      .feature(POSTBUS_MUTANT_BRAKE)
      .set("plugin.brake.breaks", "\"" + std::string(what) + "\"")
      .set("log.level", "off");
}

struct hunted_promise {
  const char* what;
  const char* caught_by;  // the row, by how its title begins
};

constexpr hunted_promise hunted[] = {
    {"starts", "once a pause"},
    {"starts rarely", "once a pause"},
    {"refusal", "once a pause"},
    {"others", "once a pause"},
    {"others rarely", "once a pause"},
    {"order", "once a pause"},
    {"order rarely", "once a pause"},
    {"pause", "once a pause"},
    {"pause", "what runs"},
    {"paused too soon", "what runs"},
    {"list", "what runs"},
    {"late publish", "what comes from"},
    {"late ack", "what comes from"},
};

}  // namespace

TEST_CASE("a brake that breaks nothing passes its rows", "[conformance][mutants]") {
  const suite over(breaking("nothing"));
  int played = 0;
  for (const row& r : rows()) {
    if (r.number != 30) continue;
    const result got = run_in_child([&] { return over.run(r); }, std::chrono::seconds(60));
    CAPTURE(r.title, got.reasons);
    CHECK(got.verdict == verdict::passed);
    ++played;
  }
  CHECK(played == 3);
}

TEST_CASE("a promise of the brake that is broken is found", "[conformance][mutants]") {
  for (const hunted_promise& p : hunted) {
    const suite over(breaking(p.what), std::chrono::seconds(1));
    for (const row& r : rows()) {
      if (r.number != 30 || !std::string_view(r.title).starts_with(p.caught_by)) continue;
      const result got = run_in_child([&] { return over.run(r); }, std::chrono::seconds(20));
      CAPTURE(p.what, r.title);
      CHECK(got.verdict == verdict::failed);
    }
  }
}
