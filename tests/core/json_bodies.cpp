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
