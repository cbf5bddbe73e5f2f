#include "support/catch.hpp"

#include <postbus/sdk/names.hpp>

using namespace postbus;

TEST_CASE("the name that somebody meant is a few letters away", "[names]") {
  const std::vector<std::string> known{"threads", "features", "plugin_path"};
  CHECK(sdk::nearest_name("thread", known) == "threads");
  CHECK(sdk::nearest_name("threasd", known) == "threads");
  CHECK(sdk::nearest_name("faetures", known) == "features");
  CHECK(sdk::nearest_name("plugin_paths", known) == "plugin_path");
  CHECK(sdk::nearest_name("zebra", known).empty());
  CHECK(sdk::did_you_mean("thread", known, "remove it") == "did you mean 'threads'?");
  CHECK(sdk::did_you_mean("zebra", known, "remove it") == "remove it");
}

TEST_CASE("a list of names reads as one", "[names]") {
  CHECK(sdk::list_of({}) == "nothing");
  CHECK(sdk::list_of({"a", "b"}) == "a, b");
  CHECK(sdk::list_of({"a", "b"}, "'") == "'a', 'b'");
}
