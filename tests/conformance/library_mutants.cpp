// Whether the checks of a library would notice: plugins that break a promise, and the check that is there to find it.
#include "support/catch.hpp"

#include <postbus/conformance/library.hpp>

#include <set>

using namespace postbus;
using namespace postbus::conformance;

namespace {

// What the check finds wrong. The second plugin of the library breaks its promise whatever is set, so the checks
// are told apart by what they say.
std::string said_by(const char* name, const library_under_test& library) {
  std::string said;
  for (const library_check& c : library_checks()) {
    if (std::string_view(c.name) != name) continue;
    const result got = run_in_child([&] { return run(c, library); }, c.deadline);
    if (got.verdict != verdict::failed) continue;
    for (const std::string& one : got.reasons) said += one + "\n";
  }
  return said;
}

}  // namespace

TEST_CASE("what a bus cannot see is found by the checks that drive the plugin themselves",
          "[conformance][mutants]") {
  const auto broken = [](const char* what) {
    return library_under_test{POSTBUS_MUTANT_PLUGIN,
                              bare_config().set("transport.breaks", "\"" + std::string(what) + "\""),
                              std::chrono::seconds(1)};
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
  CHECK(said_by("leaks", broken("nothing")).find("'mutant-leaks' that refusing wrong settings leaves no") !=
        std::string::npos);
  CHECK(said_by("leaks", broken("nothing")).find("'mutant' that") == std::string::npos);
  CHECK(said_by("lent", broken("scribble")).find("ended by the signal") != std::string::npos);
  CHECK(said_by("lent", broken("borrow")).find("ended by the signal") != std::string::npos);
  CHECK(said_by("lent", broken("nothing")).find("signal") == std::string::npos);
}

TEST_CASE("wrappers are driven around a transport of ours, and features over a store that fails",
          "[conformance][mutants]") {
  const library_under_test around{POSTBUS_MUTANT_AROUND, bare_config().plugin_path(POSTBUS_TEST_PLUGIN_DIR),
                                  std::chrono::milliseconds(200)};
  CHECK(said_by("batches", around).find("arrives whole") != std::string::npos);
  CHECK(said_by("threads", around).empty());
  CHECK(said_by("store", around).find("expected an answer to start") != std::string::npos);
  CHECK(said_by("life", around).empty());
  const library_under_test faults{std::filesystem::path(POSTBUS_TEST_PLUGIN_DIR) / "faults.so",
                                  bare_config().plugin_path(POSTBUS_TEST_PLUGIN_DIR),
                                  std::chrono::seconds(1)};
  for (const library_check& c : library_checks()) {
    CAPTURE(c.name);
    CHECK(said_by(c.name, faults).empty());
  }
}

namespace {

library_under_test breaking_store(std::string_view what) {
  return {POSTBUS_MUTANT_STORE, bare_config().set("store.breaks", "\"" + std::string(what) + "\""),
          std::chrono::milliseconds(200)};
}

struct hunted_promise {
  const char* what;
  std::set<std::string> caught_by;  // each of these checks
};

const hunted_promise hunted[] = {
    {"set", {"store-strings", "store-conditions"}},
    {"set rarely", {"store-conditions"}},
    {"erase", {"store-strings", "store-lock"}},
    {"erase rarely", {"store-lock", "store-conditions"}},
    {"add", {"store-strings", "store-threads", "store-lock"}},
    {"add rarely", {"store-strings", "store-threads", "store-lock"}},
    {"if_absent", {"store-conditions", "store-lock"}},
    {"if_equal", {"store-conditions", "store-lock"}},
    {"if_equal rarely", {"store-conditions"}},
    {"fence", {"store-lock"}},
    {"group", {"store-conditions", "store-lock", "store-watch"}},
    {"ttl", {"store-expiry", "store-lock"}},
    {"ttl rarely", {"store-expiry"}},
    {"expire", {"store-expiry"}},
    {"push", {"store-lists"}},
    {"push rarely", {"store-lists"}},
    {"limit", {"store-lists"}},
    {"field", {"store-hashes"}},
    {"field rarely", {"store-hashes"}},
    {"take", {"store-hashes"}},
    {"score", {"store-sorted-sets"}},
    {"score rarely", {"store-sorted-sets"}},
    {"range", {"store-sorted-sets"}},
    {"scan", {"store-scan"}},
    {"notify", {"store-watch"}},
    {"notify rarely", {"store-watch"}},
    {"prefix", {"store-watch"}},
    {"unwatch", {"store-watch"}},
};

}  // namespace

TEST_CASE("the store that breaks nothing passes every check of stores", "[conformance][mutants]") {
  for (const library_check& c : library_checks())
    if (std::string_view(c.name).starts_with("store-")) {
      const result got = run_in_child([&] { return run(c, breaking_store("nothing")); }, c.deadline);
      CAPTURE(c.name, got.reasons);
      CHECK(got.verdict == verdict::passed);
    }
}

TEST_CASE("a promise that a store breaks is found by the check that is there for it",
          "[conformance][mutants]") {
  for (const hunted_promise& p : hunted)
    for (const library_check& c : library_checks()) {
      if (!p.caught_by.contains(c.name)) continue;
      const result got = run_in_child([&] { return run(c, breaking_store(p.what)); }, c.deadline);
      CAPTURE(p.what, c.name);
      CHECK(got.verdict == verdict::failed);
    }
}
