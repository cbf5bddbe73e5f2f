// Topics that call a plugin's method.
#define POSTBUS_MODULE bound_methods_module
#define POSTBUS_PLUGIN_MANIFEST                                                                                       \
  R"({"id": "ear", "version": "1.0.0", "abi": 1, "provides": ["postbus.control/1"], "methods": ["pause", "resume"],)" \
  R"( "listens": {"ops:pause:{user}": "pause"}})"
#include "refusal.hpp"
#include "support/bus.hpp"
#include "support/catch.hpp"
#include "text/json.hpp"

#include <postbus/testing/manual_clock.hpp>

#include <postbus/sdk/plugin.hpp>

using namespace postbus;
using namespace postbus::tests;

namespace {

class ear {
 public:
  explicit ear(sdk::context&) { heard.clear(); }
  void call(std::string_view method, std::string_view json, sdk::completion<std::string_view>&& done) {
    heard.emplace_back(method, json);
    if (fails > 0 && fails-- > 0) return done.fail(POSTBUS_E_UNAVAILABLE, "not now");
    done.ok("{}");
  }
  static inline std::vector<std::pair<std::string, std::string>> heard;
  static inline int fails = 0;
};

config with_ear(testing::manual_clock& clock) {
  return config_for("memory").module(bound_methods_module).feature("ear").clock(clock);
}

}  // namespace

TEST_CASE("an event on a bound topic calls the method with its captures and data", "[bound_methods]") {
  testing::manual_clock clock;
  bus b(with_ear(clock));
  publish_options o;
  o.id = "e1";
  b.publish("ops:pause:42", "{\"why\":1}", o);
  b.publish("ops:other:42", "");
  clock.run_until_idle();
  REQUIRE(ear::heard.size() == 1);
  CHECK(ear::heard[0].first == "pause");
  const auto args = boost::json::parse(ear::heard[0].second);
  CHECK(args.at("id") == "e1");
  CHECK(args.at("topic") == "ops:pause:42");
  CHECK(args.at("params").at("user") == "42");
  CHECK(args.at("data") == "{\"why\":1}");
  CHECK(b.topics().empty());  // that it listens is the bus's own affair
  CHECK(b.close().clean);
}

TEST_CASE("a call that fails for the moment is made again", "[bound_methods]") {
  testing::manual_clock clock;
  bus b(with_ear(clock));
  ear::fails = 2;
  b.publish("ops:pause:42", "");
  clock.advance(10s);
  CHECK(ear::heard.size() == 3);
}

TEST_CASE("the configuration binds other topics, and takes bindings away", "[bound_methods]") {
  testing::manual_clock clock;
  bus b(with_ear(clock).set("plugin.ear.listens", R"({"ops:pause:{user}" = "", "go:{user}" = "resume"})"));
  b.publish("ops:pause:42", "");
  b.publish("go:42", "");
  clock.run_until_idle();
  REQUIRE(ear::heard.size() == 1);
  CHECK(ear::heard[0].first == "resume");
}

TEST_CASE("a binding to a method that is not there, or of a malformed pattern, is refused",
          "[bound_methods]") {
  testing::manual_clock clock;
  const char* listens = GENERATE(R"({"a" = "shout"})", R"({"a::b" = "pause"})");
  CHECK(refusal([&] { bus b(with_ear(clock).set("plugin.ear.listens", listens)); }).code() ==
        error::bad_config);
}

POSTBUS_PLUGINS(POSTBUS_PLUGIN("ear", ear))
