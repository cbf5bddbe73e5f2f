#include "topic_template.hpp"

#include "failure.hpp"
#include "support/catch.hpp"

#include <boost/json/parse.hpp>

using namespace postbus::cli;

namespace {

topic_template::result fill(const char* text, const char* document) {
  return topic_template(text).fill(boost::json::parse(document));
}

std::string refusal(const char* text) {
  try {
    const topic_template t(text);
  } catch (const failure& f) {
    CHECK(f.status() == exit_status::usage);
    return f.what();
  }
  return "nothing was thrown";
}

}  // namespace

TEST_CASE("a placeholder is filled with the value at its JSON pointer", "[cli][topic_template]") {
  const char* webhook =
      R"({"event":"push","payload":{"repository":{"name":"lighthouse"},"size":3,"forced":false}})";
  CHECK(fill("github:{/event}:{/payload/repository/name|-}", webhook).topic == "github:push:lighthouse");
  CHECK(fill("{/event}", webhook).topic == "push");
  CHECK(fill("pre-{/event}-{/payload/size}-post:x", webhook).topic == "pre-push-3-post:x");
  CHECK(fill("a:{/payload/forced}", webhook).topic == "a:false");
  CHECK(fill("all:literal", webhook).topic == "all:literal");
}

TEST_CASE("a JSON pointer reaches into lists and past escaped characters", "[cli][topic_template]") {
  CHECK(fill("t:{/a~1b/1/m~0n}", R"({"a/b":[0,{"m~n":"here"}]})").topic == "t:here");
}

TEST_CASE("the default stands where there is no value", "[cli][topic_template]") {
  CHECK(fill("t:{/a|none}", "{}").topic == "t:none");
  CHECK(fill("t:{/a|none}", R"({"a":null})").topic == "t:none");
  CHECK(fill("t:{/a|none}", R"({"a":""})").topic == "t:none");
  CHECK(fill("t:{/a/b|none}", R"({"a":3})").topic == "t:none");
  CHECK(fill("t:{/a|none}", "[]").topic == "t:none");
  CHECK(fill("t:{/a|none}", R"({"a":{}})").topic == "t:none");
  CHECK(fill("t:{/a|none}", R"({"a":"some"})").topic == "t:some");
}

TEST_CASE("a value that is missing, or no text, is a fault that names its place", "[cli][topic_template]") {
  CHECK(fill("t:{/a/b}", "{}").fault ==
        "found nothing at /a/b; wanted a text or a number there, or a default");
  CHECK(fill("t:{/a}", R"({"a":null})").fault.find("found null at /a") == 0);
  CHECK(fill("t:{/a}", R"({"a":{}})").fault.find("found an object at /a") == 0);
  CHECK(fill("t:{/a}", R"({"a":[]})").fault.find("found an array at /a") == 0);
  CHECK(fill("t:{/a}", R"({"a":""})").fault.find("found an empty text at /a") == 0);
}

TEST_CASE("characters that a topic may not hold become an underscore", "[cli][topic_template]") {
  CHECK(fill("t:{/a}", R"({"a":"a:b*c{d}e f\tg\u0000h"})").topic == "t:a_b_c_d_e_f_g_h");
  CHECK(fill("t:{/a}", R"({"a":"Zürich\u00a0人"})").topic == "t:Zürich_人");
  CHECK(segment_from("\xff\xfe") == "__");
}

TEST_CASE("a topic that grows too long is a fault", "[cli][topic_template]") {
  const std::string document = R"({"a":")" + std::string(300, 'x') + R"("})";
  CHECK(fill("t:{/a}", document.c_str()).fault.find("255 bytes") != std::string::npos);
}

TEST_CASE("a template that can never give a topic is refused", "[cli][topic_template]") {
  CHECK(refusal("t:{/a").find("a brace without its partner") != std::string::npos);
  CHECK(refusal("t:/a}").find("a brace without its partner") != std::string::npos);
  CHECK(refusal("t:{event}").find("no JSON pointer") != std::string::npos);
  CHECK(refusal("t:{/a~2}").find("no JSON pointer") != std::string::npos);
  CHECK(refusal("t:{}").find("no JSON pointer") != std::string::npos);
  CHECK(refusal("t:{/a|x:y}").find("the default \"x:y\"") != std::string::npos);
  CHECK(refusal("t::{/a}").find("an empty segment") != std::string::npos);
  CHECK(refusal("*:{/a}").find("a wildcard") != std::string::npos);
  CHECK(refusal("").find("no text") != std::string::npos);
}

TEST_CASE("a template has a pattern that all its topics match", "[cli][topic_template]") {
  CHECK(topic_template("github:{/event}:{/payload/repository/name|-}").pattern() == "github:*:*");
  CHECK(topic_template("a:b").pattern() == "a:b");
  CHECK(topic_template("x{/a}y:z").pattern() == "*:z");
  CHECK(topic_template("a:x{/a}{/b}y:z{/c}").pattern() == "a:*:*");
}
