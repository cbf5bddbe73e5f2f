// What goes over the admin socket as text: bytes, times, requests and their arguments.
#include "admin/admin_json.hpp"

#include "admin/admin_request.hpp"
#include "refusal.hpp"

#include <postbus/sdk/text.hpp>

using namespace postbus;
using namespace postbus::detail;

TEST_CASE("bytes that are no UTF-8 become U+FFFD, one for each", "[admin]") {
  CHECK(json_text("grün") == "grün");
  CHECK(json_text("a\xff\xc3z") == "a\xef\xbf\xbd\xef\xbf\xbdz");
  CHECK(sdk::is_utf8(std::string_view("a\0b", 3)));
  CHECK_FALSE(sdk::is_utf8("\xed\xa0\x80"));
}

TEST_CASE("a code has its enumerator's name", "[admin]") {
  CHECK(code_name(make_error_code(error::closed)) == "closed");
  CHECK(code_name(make_error_code(error::no_such_method)) == "no_such_method");
  CHECK(code_name(make_error_code(error::failed)) == "failed");
  CHECK(code_name(make_error_code(boost::system::errc::not_enough_memory)) == "failed");
}

TEST_CASE("a request is a JSON object with a method", "[admin]") {
  const admin_request r = parse_request(R"({"id": 7, "method": "a.b", "args": {"x": 1}, "deadline": "2s"})");
  CHECK(r.id.to_number<int>() == 7);
  CHECK(r.method == "a.b");
  CHECK(r.args.size() == 1);
  CHECK(r.deadline_ns == 2'000'000'000);
  CHECK(parse_request(R"({"method": "topics"})").id.is_null());
}

TEST_CASE("a line that is no request is refused, with its id where it has one", "[admin]") {
  const auto refused = [](const char* line) {
    try {
      parse_request(line);
    } catch (const bad_request& bad) {
      CHECK(bad.what.code() == error::bad_argument);
      return json::serialize(bad.id) + " " + bad.what.what();
    }
    return std::string("taken");
  };
  CHECK(has(refused("nonsense"), "null bad argument: found a line that is no JSON"));
  CHECK(has(refused("[1]"), "null bad argument: found a line that is no object: [1]"));
  CHECK(has(refused("{\"method\":\"\xff\"}"), "no JSON"));
  CHECK(has(refused(R"({"id": {}, "method": "x"})"), "with id = {}"));
  CHECK(has(refused(R"({"id": 1})"), "1 bad argument: found a request without method"));
  CHECK(has(refused(R"({"id": "a", "method": 1})"), "\"a\" bad argument: found a request with method = 1"));
  CHECK(has(refused(R"({"id": 1, "method": "x", "args": []})"), "args = []; wanted an object"));
  CHECK(has(refused(R"({"id": 1, "method": "x", "arg": {}})"), "did you mean 'args'?"));
  CHECK(has(refused(R"({"id": 1, "method": "x", "deadline": 5})"), "deadline = 5"));
}

TEST_CASE("arguments are checked by name and type", "[admin]") {
  const json::object given =
      json::parse(R"({"text": "t", "n": 3, "time": "1s", "map": {"a": "b"}, "bad": {"a": 1}})").as_object();
  const std::vector<std::string> known{"text", "n", "time", "map", "bad"};
  const admin_arguments args("m", given, known);
  CHECK(args.text("text") == "t");
  CHECK(args.text("none").empty());
  CHECK(args.number("n", 1, 3) == 3);
  CHECK_FALSE(args.number("none", 1, 3));
  CHECK(args.duration_ns("time") == 1'000'000'000);
  CHECK(args.texts("map").size() == 1);
  CHECK(refusal([&] { args.text("n"); }).found() == "'m' with n = 3");
  CHECK(refusal([&] { args.number("n", 4, 5); }).wanted() == "an integer from 4 to 5");
  CHECK(refusal([&] { args.number("text", 4, 5); }).found() == "'m' with text = \"t\"");
  CHECK(refusal([&] { args.duration_ns("text"); }).code() == error::bad_argument);
  CHECK(refusal([&] { args.texts("bad"); }).wanted() == "an object of texts");
  CHECK(refusal([&] { args.required_text("none"); }).found() == "'m' without none");
  CHECK(refusal([&] { args.required_number("none"); }).found() == "'m' without none");
  const error unknown = refusal([&] { admin_arguments("m", given, {"tex", "n", "time", "map", "bad"}); });
  CHECK(unknown.found() == "'m' with \"text\"");
  CHECK(unknown.wanted() == "only tex, n, time, map, bad");
  CHECK(unknown.remedy() == "did you mean 'tex'?");
}
