#include "support/bus.hpp"
#include "support/catch.hpp"

#include <postbus/testing/manual_clock.hpp>

#include <boost/json.hpp>

using namespace postbus;
using namespace postbus::tests;

TEST_CASE("a JSON body arrives as it was published, and says what it is", "[json]") {
  testing::manual_clock clock;
  bus b(config_for("memory").clock(clock));
  boost::json::value got;
  std::string type;
  const auto s = b.subscribe("**", [&](const delivery& d) {
    got = d.json();
    type = d.content_type();
  });
  const boost::json::value sent = {{"user", 42}, {"steps", {1, 2, 3}}};
  b.publish("job:42", sent);
  clock.run_until_idle();
  CHECK(got == sent);
  CHECK(type == "application/json");

  publish_options options;
  options.content_type = "application/vnd.job+json";
  b.publish("job:42", sent, options);
  clock.run_until_idle();
  CHECK(type == "application/vnd.job+json");
}

TEST_CASE("a body that is no JSON is given up at once by a handler that wants some", "[json]") {
  testing::manual_clock clock;
  bus b(config_for("memory").clock(clock));
  const auto s = b.subscribe("a", [&](const delivery& d) { (void)d.json(); });
  b.publish("a", "{\"user\":");
  clock.run_until_idle();
  CHECK(s.counts().dead == 1);
  CHECK(s.counts().started == 1);
}

TEST_CASE("a JSON body goes over a codec that cannot say what it is", "[json]") {
  testing::manual_clock clock;
  bus b(config_for("memory").set("transport.codec", "raw").clock(clock));
  CHECK_NOTHROW(b.publish("a", boost::json::value{1, 2}));
}

TEST_CASE("a kept event is parsed too, and one that is no JSON is an error there", "[json]") {
  testing::manual_clock clock;
  bus b(config_for("memory").clock(clock));
  std::vector<event> kept;
  const auto s = b.subscribe("a", [&](const delivery& d) {
    kept.push_back(d.event());
    if (d.text().starts_with("[")) d.publish("a", boost::json::value("said through a delivery"));
  });
  b.publish("a", boost::json::value{1, 2});
  error_code ec;
  b.publish("a", boost::json::value(nullptr), {}, ec);
  CHECK_FALSE(ec);
  b.publish("a", "no");
  clock.run_until_idle();
  REQUIRE(kept.size() == 4);
  CHECK(kept[0].json() == boost::json::value{1, 2});
  CHECK_THROWS_AS(kept[2].json(), error);
  CHECK(kept[3].json() == "said through a delivery");
  CHECK(kept[3].header("causationid") == kept[0].id());
}
