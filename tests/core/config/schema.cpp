#include "config/schema.hpp"

#include "refusal.hpp"

#include <string>

using namespace postbus;
using namespace postbus::detail;

namespace {

json::object parse(std::string_view text) { return json::parse(text).as_object(); }

json::object complete(std::string_view schema, std::string_view given) {
  settings_source source;
  source.path = "plugin.x";
  source.origin = [](std::string_view path) { return path == "plugin.x" ? "f.toml:1:1" : "f.toml:2:1"; };
  source.also_known = {"topics"};
  source.schema_of = "plugin 'x'";
  return complete_settings(parse(given), parse(schema), source);
}

error refused(std::string_view schema, std::string_view given) {
  return refusal([&] { complete(schema, given); });
}

constexpr const char* schema = R"({
  "type": "object",
  "required": ["size"],
  "properties": {
    "size": {"type": "integer", "minimum": 1, "maximum": 10, "description": "how many"},
    "window": {"type": "integer", "format": "duration", "minimum": 1000000, "default": "1h"},
    "limit": {"type": "integer", "format": "bytes", "default": "1MiB"},
    "mode": {"enum": ["fast", "safe"], "default": "safe"},
    "label": {"type": "string", "pattern": "^[a-z]+$"},
    "ratio": {"type": "number"},
    "on": {"type": "boolean"},
    "steps": {"type": "array", "items": {"type": "integer", "format": "duration"}},
    "retry": {"type": "object", "properties": {"first": {"type": "integer", "format": "duration", "default": "100ms"}}},
    "tls": {"type": "object", "required": ["cert"], "properties": {"cert": {"type": "string"}, "port": {"type": "integer", "default": 1}}}
  }
})";

}  // namespace

TEST_CASE("defaults are filled in, also in tables that nobody wrote", "[schema]") {
  CHECK(
      complete(schema, R"({"size": 3})") ==
      parse(
          R"({"size": 3, "window": 3600000000000, "limit": 1048576, "mode": "safe", "retry": {"first": 100000000}})"));
}

TEST_CASE("a table with required members is not made up, and is filled where it was written", "[schema]") {
  CHECK_FALSE(complete(schema, R"({"size": 3})").contains("tls"));
  CHECK(complete(schema, R"({"size": 3, "tls": {"cert": "c"}})").at("tls") ==
        json::value({{"cert", "c"}, {"port", 1}}));
}

TEST_CASE("durations and sizes become nanoseconds and bytes before they are checked", "[schema]") {
  const auto all = complete(schema, R"({"size": 1, "window": "2s", "limit": 512, "steps": ["1ms", "2ms"]})");
  CHECK(all.at("window") == 2'000'000'000);
  CHECK(all.at("limit") == 512);
  CHECK(all.at("steps") == json::array({1'000'000, 2'000'000}));
  CHECK(complete(R"({"properties": {"w": {"type": "integer", "format": "duration"}}})", R"({"w": 0})")
            .at("w") == 0);
}

TEST_CASE("an unknown setting is named, with the nearest that is known", "[schema]") {
  const error e = refused(schema, R"({"size": 1, "windwo": "2s"})");
  CHECK(e.code() == error::bad_config);
  CHECK(e.found() == "plugin.x.windwo (f.toml:2:1)");
  CHECK(e.wanted() == "one of size, window, limit, mode, label, ratio, on, steps, retry, tls, topics");
  CHECK(e.remedy() == "did you mean 'window'?");
  CHECK(refused(schema, R"({"size": 1, "topic": []})").remedy() == "did you mean 'topics'?");
  CHECK(refused(schema, R"({"size": 1, "xyzzy": 1})").remedy() == "remove it");
  CHECK(refused(schema, R"({"size": 1, "retry": {"frist": "1s"}})").found() ==
        "plugin.x.retry.frist (f.toml:2:1)");
}

TEST_CASE("a schema that allows more is taken at its word", "[schema]") {
  CHECK(complete(R"({"additionalProperties": true})", R"({"a": 1})") == parse(R"({"a": 1})"));
  CHECK(complete(R"({"additionalProperties": {"type": "integer", "format": "duration"}})", R"({"a": "1s"})")
            .at("a") == 1'000'000'000);
  CHECK(refused("{}", R"({"a": 1})").found() == "plugin.x.a (f.toml:2:1)");
  CHECK(complete(R"({"properties": {"any": {}}})", R"({"any": {"a": 1}})").at("any").as_object().size() == 1);
}

TEST_CASE("a missing setting is named, with what it should be", "[schema]") {
  const error e = refused(schema, "{}");
  CHECK(e.found() == "no plugin.x.size (f.toml:1:1)");
  CHECK(e.wanted() == "an integer from 1 to 10 (how many)");
  CHECK(e.remedy() == "add it");
}

TEST_CASE("a wrong value is named with what was found and what is wanted", "[schema]") {
  struct row {
    const char *given, *found, *wanted, *remedy;
  };
  const row rows[] = {
      {R"({"size": "3"})", "size = \"3\"", "an integer from 1 to 10 (how many)", "write it without quotes"},
      {R"({"size": 11})", "size = 11", "an integer from 1 to 10 (how many)", "correct it"},
      {R"({"size": 1.5})", "size = 1.5E0", "an integer from 1 to 10 (how many)", "correct it"},
      {R"({"size": 1, "mode": "fats"})", "mode = \"fats\"", "one of \"fast\", \"safe\"",
       "did you mean 'fast'?"},
      {R"({"size": 1, "mode": 1})", "mode = 1", "one of \"fast\", \"safe\"", "correct it"},
      {R"({"size": 1, "label": 5})", "label = 5", "text like ^[a-z]+$", "put it in quotes"},
      {R"({"size": 1, "label": "A"})", "label = \"A\"", "text like ^[a-z]+$", "correct it"},
      {R"({"size": 1, "ratio": true})", "ratio = true", "a number", "correct it"},
      {R"({"size": 1, "on": "true"})", "on = \"true\"", "true or false", "write it without quotes"},
      {R"({"size": 1, "steps": "1s"})", "steps = \"1s\"", "a list of a duration such as \"250ms\" or \"1h\"",
       "put it in brackets"},
      {R"({"size": 1, "retry": 5})", "retry = 5", "a table", "correct it"},
      {R"({"size": 1, "window": 5})", "window = 5", "a duration such as \"250ms\" or \"1h\" of at least 1ms",
       "write it in quotes, with its unit"},
      {R"({"size": 1, "window": "soon"})", "window = \"soon\"",
       "a duration such as \"250ms\" or \"1h\" of at least 1ms", "write a number and its unit"},
      {R"({"size": 1, "window": "1us"})", "window = \"1us\"",
       "a duration such as \"250ms\" or \"1h\" of at least 1ms", "write a number and its unit"},
      {R"({"size": 1, "window": [1]})", "window = [1]",
       "a duration such as \"250ms\" or \"1h\" of at least 1ms", "write it in quotes, with its unit"},
      {R"({"size": 1, "window": {"a": 1}})", "window = {\"a\":1}",
       "a duration such as \"250ms\" or \"1h\" of at least 1ms", "write it in quotes, with its unit"},
      {R"({"size": 1, "limit": -1})", "limit = -1", "a size such as \"64kB\" or \"16MiB\"",
       "write it in quotes, with its unit"},
      {R"({"size": 1, "limit": "1k"})", "limit = \"1k\"", "a size such as \"64kB\" or \"16MiB\"",
       "write a number and its unit"},
      {R"({"size": 1, "steps": ["1ms", 5]})", "steps[1] = 5", "a duration such as \"250ms\" or \"1h\"",
       "write it in quotes, with its unit"},
  };
  for (const row& r : rows) {
    CAPTURE(r.given);
    const error e = refused(schema, r.given);
    CHECK(e.code() == error::bad_config);
    CHECK(e.found() == "plugin.x." + std::string(r.found) + " (f.toml:2:1)");
    CHECK(e.wanted() == r.wanted);
    CHECK(e.remedy() == r.remedy);
  }
}

TEST_CASE("alternatives are joined by or, and take a unit where one of them has it", "[schema]") {
  constexpr const char* either =
      R"({"properties": {"w": {"oneOf": [{"enum": ["off"]}, {"type": "integer", "format": "duration"}]}}})";
  CHECK(complete(either, R"({"w": "1s"})").at("w") == 1'000'000'000);
  CHECK(complete(either, R"({"w": "off"})").at("w") == "off");
  CHECK(refused(either, R"({"w": "on"})").wanted() ==
        "one of \"off\" or a duration such as \"250ms\" or \"1h\"");
}

TEST_CASE("a reference is followed for units, defaults and names", "[schema]") {
  constexpr const char* referring = R"({
    "properties": {"a": {"$ref": "#/definitions/pause"}},
    "definitions": {"pause": {"type": "object", "properties": {"for": {"type": "integer", "format": "duration", "default": "1s"}}}}})";
  CHECK(complete(referring, "{}").at("a") == json::value({{"for", 1'000'000'000}}));
  CHECK(refused(referring, R"({"a": {"fro": "1s"}})").remedy() == "did you mean 'for'?");
}

TEST_CASE("a schema that goes round in a circle does not hang", "[schema]") {
  constexpr const char* circle =
      R"({"properties": {"child": {"$ref": "#/definitions/node"}},
          "definitions": {"node": {"type": "object", "properties": {"child": {"$ref": "#/definitions/node"}}}}})";
  CHECK(complete(circle, "{}").empty());
  CHECK(complete(circle, R"({"child": {"child": {}}})").at("child").as_object().contains("child"));
}

TEST_CASE("a schema that contains itself twice over takes no time", "[schema]") {
  constexpr const char* tree =
      R"({"properties": {"top": {"$ref": "#/definitions/node"}},
          "definitions": {"node": {"type": "object", "properties": {
            "left": {"$ref": "#/definitions/node"}, "right": {"$ref": "#/definitions/node"}}}}})";
  CHECK(complete(tree, "{}").empty());
}

TEST_CASE("what is written is completed however deep it lies", "[schema]") {
  constexpr const char* chain =
      R"({"properties": {"next": {"$ref": "#/definitions/node"}},
          "definitions": {"node": {"type": "object", "properties": {
            "next": {"$ref": "#/definitions/node"}, "wait": {"type": "integer", "format": "duration"}}}}})";
  std::string given = R"({"wait": "1s"})";
  for (int i = 0; i < 20; ++i) given = "{\"next\": " + given + "}";
  json::value innermost = complete(chain, given);
  while (innermost.as_object().contains("next")) innermost = json::value(innermost.at("next"));
  CHECK(innermost.at("wait") == 1'000'000'000);
}

TEST_CASE("a mistake in the schema is the plugin's, and is said to be", "[schema]") {
  const error unit = refused(R"({"properties": {"w": {"type": "string", "format": "duration"}}})", "{}");
  CHECK(unit.code() == error::bad_plugin);
  CHECK(unit.found() == "type \"string\" with format \"duration\" in the schema of plugin 'x'");
  const error value = refused(R"({"properties": {"n": {"type": "integer", "default": "many"}}})", "{}");
  CHECK(value.code() == error::bad_plugin);
  CHECK(value.found() == "the default of plugin.x.n = \"many\"");
  CHECK(value.remedy() == "correct the schema of plugin 'x'");
  const error kind = refused(R"({"type": 5})", "{}");
  CHECK(kind.code() == error::bad_plugin);
  CHECK(has(kind.found(), "the schema of plugin 'x': "));
}

TEST_CASE("a long value is cut off in the message, between two characters", "[schema]") {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "ä";
  const error e = refused(R"({"properties": {"n": {"type": "integer"}}})", "{\"n\": \"" + text + "\"}");
  CHECK(e.found().size() < 120);
  CHECK(has(e.found(), "ä… (f.toml:2:1)"));
}
