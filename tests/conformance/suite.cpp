// Which rows a configuration has played, and why not the others.
#include "support/catch.hpp"

#include <postbus/conformance/suite.hpp>

using namespace postbus;
using namespace postbus::conformance;

TEST_CASE("a row that looks at a feature is played where the configuration names it, and skipped elsewhere",
          "[conformance]") {
  const row of_feature{99, "", {}, timing::either, [](scene&) {}, "sample"};
  const row of_transport{99, "", {}, timing::either, [](scene&) {}};
  const config without = config()
                             .plugin_path(POSTBUS_TEST_PLUGIN_DIR)
                             .plugin_path(std::string(POSTBUS_TEST_DSO_DIR) + "/good")
                             .set("log.level", "off");
  const result skipped = suite(without).run(of_feature);
  CHECK(skipped.verdict == verdict::skipped);
  CHECK(skipped.reasons ==
        std::vector<std::string>{"the configuration has no feature 'sample': name it in bus.features"});
  CHECK(suite(without).why_skipped(of_transport).empty());
  CHECK(suite(config(without).feature("sample")).why_skipped(of_feature).empty());
}
