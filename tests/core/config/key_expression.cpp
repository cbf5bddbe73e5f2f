#include "config/key_expression.hpp"

#include "refusal.hpp"

using namespace postbus;
using namespace postbus::detail;

namespace {
key_expression parse(std::string_view text) {
  return parse_key_expression(text, error::bad_config, "plugin.x.key");
}
}  // namespace

TEST_CASE("a key is the id, a header, a capture, or a template", "[key_expression]") {
  CHECK(parse("id").parts.at(0).what == key_part::id);
  CHECK(parse("header:tenant").parts.at(0).what == key_part::header);
  CHECK(parse("header:tenant").parts.at(0).text == "tenant");
  CHECK(parse("param:user_id").parts.at(0).what == key_part::param);
  const auto parts = parse("a-{user}/{job}:z").parts;
  REQUIRE(parts.size() == 5);
  CHECK((parts[0].text == "a-" && parts[1].text == "user" && parts[2].text == "/" && parts[3].text == "job" &&
         parts[4].text == ":z"));
  CHECK((parts[0].what == key_part::literal && parts[1].what == key_part::param));
}

TEST_CASE("a key is the data's hash, or a value in it by a JSON pointer", "[key_expression]") {
  CHECK(parse("hash").parts.at(0).what == key_part::hash);
  CHECK(parse("json:/a~1b/0").parts.at(0).what == key_part::json);
  CHECK(parse("json:/a~1b/0").parts.at(0).text == "/a~1b/0");
  CHECK(parse("json:/a").is_made());
  CHECK(parse("hash").is_made());
  CHECK(!parse("header:a").is_made());
}

TEST_CASE("a key that would be the same for every event, or is misspelt, is refused", "[key_expression]") {
  for (const char* text :
       {"",        "ID",        "tenant", "header:", "header:Tenant", "header:a b", "param:",
        "param:1", "param:a:b", "Hash",   "json:",   "json:a",        "json:/a~",   "json:/a~2",
        "{",       "}",         "{}",     "a{b",     "a}b",           "{a{b}}",     "{A}"}) {
    CAPTURE(text);
    const error e = refusal([&] { parse(text); });
    CHECK(e.found() == "\"" + std::string(text) + "\" as plugin.x.key");
    CHECK(e.wanted() ==
          "id, partitionkey, header:NAME, param:NAME, hash, json:/POINTER, or a template with captures such "
          "as job-{user}");
  }
}

TEST_CASE("a key needs a pattern that has its captures", "[key_expression]") {
  check_captures(parse("param:user"), "jobs:{user}:**", error::bad_config, "k");
  check_captures(parse("header:x"), "**", error::bad_config, "k");
  const error e =
      refusal([] { check_captures(parse("{user}-{job}"), "jobs:{user}:*", error::bad_config, "k"); });
  CHECK(e.found() == "k = \"{user}-{job}\", and the pattern jobs:{user}:*");
  CHECK(e.wanted() == "a pattern that captures {job}");
  CHECK(e.remedy() == "write {job} in the pattern where the value stands");
}
