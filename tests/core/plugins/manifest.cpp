#include "plugins/manifest.hpp"

#include "refusal.hpp"

#include <postbus/plugin.h>

#include <string>

using namespace postbus;
using namespace postbus::detail;

namespace {

manifest parse(std::string_view text) { return parse_manifest(text, "/p/x.so"); }
error refused(std::string_view text) {
  return refusal([&] { parse(text); });
}

// A manifest of one plugin with more fields.
std::string with(std::string_view fields) {
  return R"({"id": "x", "version": "1.0.0", "abi": 1, )" + std::string(fields) + "}";
}

}  // namespace

TEST_CASE("a manifest of one plugin is read", "[manifest]") {
  const manifest m = parse(R"({"id": "redis-streams", "version": "1.2.3-rc.1", "abi": 1, "summary": "s",
    "provides": ["postbus.transport/1", "postbus.control/1"], "requires": ["postbus.runtime/1", "other"], "methods": ["dead.list"],
    "capabilities": ["ack", "persist"], "data_max": "1MiB", "config_schema": {"type": "object", "anything": {"x": 1}}})");
  CHECK(m.version == "1.2.3-rc.1");
  CHECK(m.file == "/p/x.so");
  REQUIRE(m.plugins.size() == 1);
  const manifest_plugin& p = m.plugins[0];
  CHECK(p.id == "redis-streams");
  CHECK(p.is_transport());
  CHECK_FALSE(p.is_feature());
  CHECK(p.needs == std::vector<std::string>{"postbus.runtime/1", "other"});
  CHECK(p.methods == std::vector<std::string>{"dead.list"});
  CHECK(p.can == (POSTBUS_CAN_ACK | POSTBUS_CAN_PERSIST));
  CHECK(p.data_max == 1024u * 1024u);
  CHECK(p.config_schema.contains("anything"));
}

TEST_CASE("a manifest of several plugins is read", "[manifest]") {
  const manifest m = parse(R"({"version": "1.0.0", "abi": 1, "plugins": [
    {"id": "a", "provides": ["postbus.interceptor/1"], "phase": "gate", "reasons": ["too_large"]},
    {"id": "b", "provides": ["postbus.transport/1"]}]})");
  REQUIRE(m.plugins.size() == 2);
  CHECK(m.find("a")->phase == phase::gate);
  CHECK(m.find("a")->reasons == std::vector<std::string>{"too_large"});
  CHECK(m.find("b")->phase == phase::filter);
  CHECK(m.find("c") == nullptr);
}

TEST_CASE("a manifest that is no JSON is refused with line and column", "[manifest]") {
  const error e = refused("{\n  \"id\": oops}");
  CHECK(e.code() == error::bad_plugin);
  CHECK(has(e.found(), "in the manifest of /p/x.so, line 2, column "));
  CHECK(e.wanted() == "JSON");
  CHECK(has(refused("{} x").found(), "line 1, column 4"));
  CHECK(has(refused("").found(), "line 1, column 1"));
  CHECK(refused("[]").found() == "a manifest in /p/x.so that is no object");
}

TEST_CASE("an unknown field of a manifest is named, with the nearest that is known", "[manifest]") {
  const error e = refused(with(R"("provide": [])"));
  CHECK(e.code() == error::bad_plugin);
  CHECK(e.found() == "provide (in the manifest of /p/x.so)");
  CHECK(e.remedy() == "did you mean 'provides'?");
  const error inner = refused(
      R"({"version": "1.0.0", "abi": 1, "plugins": [{"id": "a", "provides": ["postbus.control/1"], "methodes": []}]})");
  CHECK(inner.found() == "plugins[0].methodes (in the manifest of /p/x.so)");
  CHECK(inner.remedy() == "did you mean 'methods'?");
}

TEST_CASE("a field that is missing or wrong is named with what is wanted", "[manifest]") {
  CHECK(refused(R"({"id": "x", "abi": 1, "provides": ["a/1"]})").found() ==
        "no version (in the manifest of /p/x.so)");
  CHECK(refused(with(R"("summary": "s")")).found() == "no provides (in the manifest of /p/x.so)");
  const error id = refused(R"({"id": "My_Plugin", "version": "1.0.0", "abi": 1, "provides": ["a/1"]})");
  CHECK(id.found() == "id = \"My_Plugin\" (in the manifest of /p/x.so)");
  CHECK(has(id.wanted(), "^[a-z0-9-]+$"));
  for (const char* fields :
       {R"("provides": [])", R"("provides": ["transport"])", R"("provides": ["a/1"], "phase": "late")",
        R"("provides": ["a/1"], "capabilities": ["fly"])", R"("provides": ["a/1"], "verdicts": ["pass"])",
        R"("provides": ["a/1"], "methods": ["Go"])", R"("provides": ["a/1"], "methods": ["a", "a"])",
        R"("provides": ["a/1"], "data_max": "big")", R"("provides": ["a/1"], "config_schema": 1)",
        R"("provides": ["a/1"], "wraps": "codec")"}) {
    CAPTURE(fields);
    CHECK(refused(with(fields)).code() == error::bad_plugin);
  }
  CHECK(refused(R"({"id": "x", "version": "1.0", "abi": 1, "provides": ["a/1"]})").found() ==
        "version = \"1.0\" (in the manifest of /p/x.so)");
}

TEST_CASE("a manifest for a newer contract is refused for that, not for what it contains", "[manifest]") {
  const error e = refused(R"({"abi": 2, "news": {}})");
  CHECK(e.found() == "/p/x.so, built for contract 2");
  CHECK(e.wanted() == "contract 1, which this host has");
  CHECK(e.remedy() == "use a newer postbus, or an older build of the plugin");
}

TEST_CASE("a field that goes with an interface is refused without it", "[manifest]") {
  const error e = refused(with(R"("provides": ["postbus.transport/1"], "phase": "gate")"));
  CHECK(e.found() == "phase of plugin 'x' in the manifest of /p/x.so");
  CHECK(e.wanted() == "postbus.interceptor/1 among what it provides");
}

TEST_CASE("an id twice in one manifest is refused", "[manifest]") {
  const error e = refused(
      R"({"version": "1.0.0", "abi": 1, "plugins": [{"id": "a", "provides": ["b/1"]}, {"id": "a", "provides": ["b/1"]}]})");
  CHECK(e.found() == "plugin 'a' twice in the manifest of /p/x.so");
}

TEST_CASE("a schema that is none is refused with the manifest: plugin, file, keyword and what it has to be",
          "[manifest]") {
  struct row {
    const char *schema, *found, *wanted;
  };
  const row rows[] = {
      {R"({"type": "table"})", "config_schema.type = \"table\"",
       "one of null, boolean, object, array, number, integer, string, or a list of these"},
      {R"({"properties": []})", "config_schema.properties = []", "a schema for each name"},
      {R"({"properties": {"a": "text"}})", "config_schema.properties = {\"a\":\"text\"}",
       "a schema for each name"},
      {R"({"properties": {"a": {"minimum": "1"}}})", "config_schema.properties.a.minimum = \"1\"",
       "a number"},
      {R"({"properties": {"a": {"items": {"maxLength": -1}}}})",
       "config_schema.properties.a.items.maxLength = -1", "a number of characters"},
      {R"({"properties": {"a": {"items": 1}}})", "config_schema.properties.a.items = 1",
       "a schema, or a list of schemas"},
      {R"({"additionalProperties": {"enum": []}})", "config_schema.additionalProperties.enum = []",
       "a list of values"},
      {R"({"required": "a"})", "config_schema.required = \"a\"", "a list of names"},
      {R"({"anyOf": [{"pattern": "("}]})", "config_schema.anyOf[0].pattern = \"(\"", "a regular expression"},
      {R"({"anyOf": {}})", "config_schema.anyOf = {}", "a list of schemas"},
      {R"({"not": 1})", "config_schema.not = 1", "a schema"},
      {R"({"definitions": {"b": {"format": 1}}})", "config_schema.definitions.b.format = 1",
       "text, such as \"duration\" or \"bytes\""},
      {R"({"properties": {"a": {"$ref": "#/definitions/b"}}})",
       "config_schema.properties.a.\"$ref\" = \"#/definitions/b\"",
       "the place of a schema in this one, such as \"#/definitions/name\""},
  };
  for (const row& r : rows) {
    CAPTURE(r.schema);
    const error e = refused(with(R"("provides": ["a/1"], "config_schema": )" + std::string(r.schema)));
    CHECK(e.code() == error::bad_plugin);
    CHECK(e.found() == std::string(r.found) + " of plugin 'x' (/p/x.so)");
    CHECK(e.wanted() == r.wanted);
    CHECK(e.remedy() == "correct plugin.json and build the library again");
  }
  const error unit = refused(with(
      R"("provides": ["a/1"], "config_schema": {"properties": {"a": {"type": "string", "format": "bytes"}}})"));
  CHECK(unit.found() == "type \"string\" with format \"bytes\" in the schema of plugin 'x' (/p/x.so)");
}

TEST_CASE("a default has to satisfy its own schema; what is required has not to be there", "[manifest]") {
  const auto schema = [](const char* properties) {
    return with(R"("provides": ["a/1"], "config_schema": {"required": ["url"], "minProperties": 1,
      "properties": {"url": {"type": "string"}, )" +
                std::string(properties) + "}}");
  };
  for (
      const char* fine :
      {R"("a": {"type": "integer", "default": 1})",
       R"("a": {"type": "integer", "format": "duration", "default": "1h"})",
       R"("a": {"required": ["b"], "properties": {"b": {"type": "string"}, "c": {"type": "integer", "default": 1}}})",
       R"("a": {"$comment": 1, "title": "x", "examples": [1]})"}) {
    CAPTURE(fine);
    parse(schema(fine));
  }
  const error e = refused(schema(R"("a": {"type": "integer", "maximum": 9, "default": 10})"));
  CHECK(e.code() == error::bad_plugin);
  CHECK(e.found() == "the default of a = 10");
  CHECK(e.wanted() == "an integer of at most 9");
  CHECK(e.remedy() == "correct the schema of plugin 'x' (/p/x.so)");
  for (const char* wrong : {R"("a": {"type": "integer", "format": "duration", "default": "soon"})",
                            R"("a": {"enum": ["b", "c"], "default": "d"})",
                            R"("a": {"properties": {"b": {"type": "string", "default": 1}}})"}) {
    CAPTURE(wrong);
    const error other = refused(schema(wrong));
    CHECK(other.code() == error::bad_plugin);
    CHECK(has(other.what(), "plugin 'x' (/p/x.so)"));
  }
}
