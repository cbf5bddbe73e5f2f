#include "event/event_key.hpp"

#include "support/catch.hpp"

#include <postbus/sdk/abi.hpp>

using namespace postbus;
using namespace postbus::detail;

namespace {

std::string key(std::string_view expression, std::string_view data) {
  postbus_event event{};
  event.data = sdk::bytes(data);
  std::string buffer;
  return std::string(key_of(parse_key_expression(expression, error::bad_config, "k"), event, {}, buffer));
}

}  // namespace

TEST_CASE("events with equal data have one hash, and the others have others", "[event_key]") {
  CHECK(key("hash", "tea") == "a9f74d1ec36ebdeb2da3f6e5868090cd");
  CHECK(key("hash", "tea") == key("hash", std::string("te") + "a"));
  CHECK(key("hash", "tea") != key("hash", "tee"));
  CHECK(key("hash", "").size() == 32);
}

TEST_CASE("a JSON pointer gives a string as it is, and any other value as JSON", "[event_key]") {
  constexpr const char* data = R"({"id": "a", "n": 7, "deep": [{"x/y": true}], "none": null, "o": {"b": 1}})";
  CHECK(key("json:/id", data) == "a");
  CHECK(key("json:/n", data) == "7");
  CHECK(key("json:/deep/0/x~1y", data) == "true");
  CHECK(key("json:/o", data) == R"({"b":1})");
}

TEST_CASE("a JSON pointer gives nothing where there is nothing", "[event_key]") {
  CHECK(key("json:/none", R"({"none": null})").empty());
  CHECK(key("json:/id", R"({"n": 7})").empty());
  CHECK(key("json:/id", "tea").empty());
  CHECK(key("json:/id", "").empty());
}
