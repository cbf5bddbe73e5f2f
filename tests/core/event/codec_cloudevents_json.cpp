// The codec cloudevents+json: what other programs send and what they get from us.
#include "codec_events.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

using namespace codec_events;

namespace {

decoded decode(const std::string& wire, std::string_view topic = {}) {
  return codec_events::decode(codec::cloudevents_json, wire, topic);
}
std::string encoded(const postbus_event& event) {
  return codec_events::encoded(codec::cloudevents_json, event);
}

// An event as `members` make it, with what every one needs.
std::string with(const std::string& members) {
  return R"({"specversion":"1.0","id":"i","source":"s","type":"a")" + members + "}";
}
std::string why(const std::string& wire) { return decode(wire).why; }
std::string data_of(const std::string& members) {
  const decoded d = decode(with(members));
  REQUIRE(d.event != nullptr);
  return std::string(d.data());
}

}  // namespace

TEST_CASE("the JSON of a full event is what it is for ever", "[codec]") {
  postbus_event e = full_event();
  e.data = sdk::bytes(R"({"a": [1, 2.50]})");
  CHECK(
      encoded(e) ==
      R"({"specversion":"1.0","id":"id-1","source":"fleet","type":"jobs:42:start","time":"2023-11-14T22:13:20.123456789Z",)"
      R"("datacontenttype":"application/json","partitionkey":"42","expirytime":"2027-01-15T08:00:00Z",)"
      R"("traceparent":"00-1-2-01","x":"","data":{"a": [1, 2.50]}})");
}

TEST_CASE("the JSON of a small event is what it is for ever", "[codec]") {
  CHECK(
      encoded(small_event()) ==
      R"({"specversion":"1.0","id":"i","source":"s","type":"a","time":"1970-01-01T00:00:00.000000001Z","data_base64":"ZA=="})");
}

TEST_CASE("an event survives JSON in every combination of its attributes", "[codec]") {
  for_all_combinations([](const postbus_event& e) {
    const std::string wire = encoded(e);
    CHECK_NOTHROW(boost::json::parse(wire));
    const decoded d = decode(wire);
    REQUIRE(d.event != nullptr);
    check_same(*d.event, e);
  });
}

TEST_CASE("texts are escaped, and what is no UTF-8 becomes U+FFFD", "[codec]") {
  postbus_event e = small_event();
  e.id = sdk::str(std::string_view("q\"b\\n\n\r\t\0\x1f\x7f\xc3\xa9\xf0\x9f\x98\x80.", 18));
  e.source = sdk::str("long enough for words \xff\xc3 and \xed\xa0\x80.");
  e.data = {};
  CHECK(encoded(e) ==
        "{\"specversion\":\"1.0\",\"id\":\"q\\\"b\\\\n\\n\\r\\t\\u0000\\u001f\x7f\xc3\xa9\xf0\x9f\x98\x80.\","
        "\"source\":\"long enough for words \xef\xbf\xbd\xef\xbf\xbd and "
        "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd.\","
        "\"type\":\"a\",\"time\":\"1970-01-01T00:00:00.000000001Z\"}");
  CHECK(sdk::view(decode(encoded(e)).event->id) == sdk::view(e.id));
}

TEST_CASE("an event without source gets one, for CloudEvents demands it", "[codec]") {
  postbus_event e = small_event();
  e.source = {};
  CHECK(sdk::view(decode(encoded(e)).event->source) == "unknown");
}

TEST_CASE("a header that would not be a member of its own is left out", "[codec]") {
  const std::vector<postbus_pair> headers{
      {sdk::str("id"), sdk::str("1")},  {sdk::str("data"), sdk::str("2")},
      {sdk::str("a_b"), sdk::str("3")}, {sdk::str(""), sdk::str("4")},
      {sdk::str("x"), sdk::str("5")},   {sdk::str("x"), sdk::str("6")},
      {sdk::str("\"y"), sdk::str("7")}, {sdk::str("specversion"), sdk::str("8")}};
  postbus_event e = small_event();
  e.headers = headers.data();
  e.header_count = headers.size();
  const decoded d = decode(encoded(e));
  REQUIRE(d.event != nullptr);
  REQUIRE(d.event->header_count == 1);
  CHECK(d.header("x") == "5");
}

// ---- the specification's examples

TEST_CASE("CloudEvents' example with JSON data", "[codec]") {
  const decoded d = decode(R"({
    "specversion" : "1.0",
    "type" : "com.example.someevent",
    "source" : "/mycontext",
    "subject": null,
    "id" : "C234-1234-1234",
    "time" : "2018-04-05T17:31:00Z",
    "comexampleextension1" : "value",
    "comexampleothervalue" : 5,
    "datacontenttype" : "application/json",
    "data" : {
        "appinfoA" : "abc",
        "appinfoB" : 123,
        "appinfoC" : true
    }
})");
  REQUIRE(d.event != nullptr);
  CHECK(sdk::view(d.event->topic) == "com.example.someevent");
  CHECK(sdk::view(d.event->source) == "/mycontext");
  CHECK(sdk::view(d.event->id) == "C234-1234-1234");
  CHECK(d.event->time_ns == 1'522'949'460'000'000'000);
  CHECK(d.event->header_count == 2);
  CHECK(d.header("comexampleextension1") == "value");
  CHECK(d.header("comexampleothervalue") == "5");
  CHECK(
      d.data() ==
      "{\n        \"appinfoA\" : \"abc\",\n        \"appinfoB\" : 123,\n        \"appinfoC\" : true\n    }");
  CHECK(d.is_in_wire(d.data()));
}

TEST_CASE("CloudEvents' example with XML as a string", "[codec]") {
  const decoded d = decode(
      R"({"specversion":"1.0","type":"com.example.someevent","source":"/mycontext","id":"A234-1234-1234",
    "time":"2018-04-05T17:31:00Z","comexampleextension1":"value","comexampleothervalue":5,"unsetextension":null,
    "datacontenttype":"application/xml","data":"<much wow=\"xml\"/>"})");
  REQUIRE(d.event != nullptr);
  CHECK(d.data() == R"(<much wow="xml"/>)");
  CHECK(d.header("unsetextension") == "(none)");
  CHECK(encoded(*d.event).ends_with(R"("data":"<much wow=\"xml\"/>"})"));
}

TEST_CASE("CloudEvents' example with binary data", "[codec]") {
  const decoded d = decode(
      R"({"specversion":"1.0","type":"com.example.someevent","source":"/mycontext","id":"D234-1234-1234",
    "datacontenttype":"application/vnd.apache.thrift.binary","data_base64":"Zm9vYmFy"})");
  REQUIRE(d.event != nullptr);
  CHECK(d.data() == "foobar");
}

TEST_CASE("a batch is refused: one event is one message", "[codec]") {
  CHECK(why("[" + with("") + "]") == "an array, where one event is wanted, not a batch");
  CHECK(why("[]") == "an array, where one event is wanted, not a batch");
}

// ---- data

TEST_CASE(
    "data comes as it was written: JSON where the content type is JSON or missing, else a string's text",
    "[codec]") {
  CHECK(data_of(R"(,"data":{"a": 1.50e2})") == R"({"a": 1.50e2})");
  CHECK(data_of(R"(,"data": [1 , 2] ,"datacontenttype":"application/json")") == "[1 , 2]");
  CHECK(data_of(R"(,"data":"text")") == R"("text")");
  CHECK(data_of(R"(,"data":"e\u0041")") == R"("e\u0041")");
  CHECK(data_of(",\"data\": null \n") == "null");
  CHECK(data_of(R"(,"data":-0.0 ,"x":"y")") == "-0.0");
  CHECK(data_of(R"(,"data":true,"datacontenttype":null)") == "true");
  CHECK(data_of(R"(,"datacontenttype":"text/plain","data":"e\u0041\ud83d\ude00")") == "eA\xf0\x9f\x98\x80");
  CHECK(data_of(R"(,"data":"early","datacontenttype":"text/plain")") == "early");
  CHECK(data_of(R"(,"data":"","datacontenttype":"text/plain")").empty());
  CHECK(data_of(R"(,"data":null,"datacontenttype":"text/plain")").empty());
  CHECK(data_of(R"(,"data":{"a":"}, \"b"},"datacontenttype":"text/plain")") == R"({"a":"}, \"b"})");
  CHECK(data_of("").empty());
}

TEST_CASE("data_base64 is data whatever the content type", "[codec]") {
  CHECK(data_of(R"(,"data_base64":"AAH/")") == std::string("\0\1\xff", 3));
  CHECK(data_of(R"(,"data_base64":"AA\/\/","datacontenttype":"text/plain")") == std::string("\0\x0f\xff", 3));
  CHECK(data_of(R"(,"data_base64":"")").empty());
  CHECK(data_of(R"(,"data_base64":null,"data":1)") == "1");
  CHECK(data_of(R"(,"data":null,"data_base64":"AAH/")").size() == 3);
  CHECK(why(with(R"(,"data":1,"data_base64":"AAH/")")) == "both 'data' and 'data_base64'");
  CHECK(why(with(R"(,"data_base64":"AAH")")) == "'data_base64' is not base64 (byte 68)");
  CHECK(why(with(R"(,"data_base64":7)")) == "'data_base64' is a number (byte 68)");
}

TEST_CASE("data that says JSON and is none, or has white space around it, goes as base64", "[codec]") {
  postbus_event e = small_event();
  e.content_type = sdk::str("application/json");
  for (const std::string_view text :
       {"{", "{} ", " {}", "{}\n", "nul", "1 2", "\"\xff\"", "[1,]", "\xef\xbb\xbf{}"}) {
    e.data = sdk::bytes(text);
    const std::string wire = encoded(e);
    INFO(wire);
    CHECK(wire.find("data_base64") != std::string::npos);
    CHECK(decode(wire).data() == text);
  }
}

TEST_CASE("data may be nested 127 deep as JSON, deeper goes as base64, and a deeper document is refused",
          "[codec]") {
  const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  postbus_event e = small_event();
  for (const int depth : {127, 128, 10'000}) {
    const std::string text = nested(depth);
    e.data = sdk::bytes(text);
    e.content_type = {};
    const std::string wire = encoded(e);
    CHECK((wire.find("data_base64") == std::string::npos) == (depth == 127));
    CHECK(decode(wire).data() == text);
  }
  CHECK(decode(with(",\"data\":" + nested(127))).event != nullptr);
  CHECK(why(with(",\"data\":" + nested(128))).starts_with("no JSON: "));
}

// ---- attributes

TEST_CASE("texts are views into the wire, unless they are written with an escape", "[codec]") {
  const decoded d =
      decode(with(R"(,"x":"plain","y":"\u0061\"\/\ud83d\ude00","partitionkey":"a\nb","z":"\u0000")"));
  REQUIRE(d.event != nullptr);
  CHECK(d.is_in_wire(sdk::view(d.event->id)));
  CHECK(d.is_in_wire(*sdk::header(*d.event, "x")));
  CHECK(d.header("y") == "a\"/\xf0\x9f\x98\x80");
  CHECK(sdk::view(d.event->key) == "a\nb");
  CHECK(d.header("z") == std::string(1, '\0'));
}

TEST_CASE("integers and booleans become their text, null is absent, and nothing else is a header",
          "[codec]") {
  const decoded d =
      decode(with(R"(,"a":5,"b":-7,"c":18446744073709551615,"d":true,"e":false,"f":null,"g":"","h":-0)"));
  REQUIRE(d.event != nullptr);
  CHECK(d.event->header_count == 7);
  CHECK(d.header("a") == "5");
  CHECK(d.header("b") == "-7");
  CHECK(d.header("c") == "18446744073709551615");
  CHECK(d.header("d") == "true");
  CHECK(d.header("e") == "false");
  CHECK(d.header("f") == "(none)");
  CHECK(d.header("g").empty());
  CHECK(d.header("h") == "0");
  CHECK(why(with(R"(,"a":1.5)")) == "'a' is a number with a fraction or an exponent (byte 58)");
  CHECK(why(with(R"(,"a":{"b":1})")) == "'a' is an object or an array (byte 58)");
  CHECK(why(with(R"(,"a":[])")) == "'a' is an object or an array (byte 58)");
}

TEST_CASE("subject and dataschema are headers, time may be missing, and expirytime is a time", "[codec]") {
  const decoded d = decode(with(
      R"(,"subject":"s/1","dataschema":"http://x","expirytime":"2018-04-05T19:31:00+02:00","partitionkey":"k")"));
  REQUIRE(d.event != nullptr);
  CHECK(d.header("subject") == "s/1");
  CHECK(d.header("dataschema") == "http://x");
  CHECK(d.event->expires_ns == 1'522'949'460'000'000'000);
  CHECK(sdk::view(d.event->key) == "k");
  CHECK(d.event->time_ns == 1);
  CHECK(why(with(R"(,"time":"yesterday")")) ==
        "'time' is no time as RFC 3339 has them, from 1677 to 2262 (byte 61)");
  CHECK(why(with(R"(,"expirytime":7)")) == "'expirytime' is a number (byte 67)");
}

TEST_CASE("an event that expired when the epoch began has expired", "[codec]") {
  CHECK(decode(with(R"(,"expirytime":"1970-01-01T00:00:00Z")")).event->expires_ns == 1);
}

TEST_CASE("each attribute that must be there is asked for", "[codec]") {
  CHECK(why("{}") == "no 'specversion'");
  CHECK(why(R"({"specversion":"1.0","source":"s","type":"a"})") == "no 'id'");
  CHECK(why(R"({"specversion":"1.0","id":"i","type":"a"})") == "no 'source'");
  CHECK(why(R"({"specversion":"1.0","id":"i","source":"s"})") == "no 'type'");
  CHECK(why(R"({"specversion":"1.0","id":"","source":"s","type":"a"})") == "an empty 'id'");
  CHECK(why(R"({"specversion":"1.0","id":"i","source":null,"type":"a"})") == "no 'source'");
  CHECK(why(R"({"specversion":"0.3","id":"i","source":"s","type":"a"})") ==
        "'specversion' is not \"1.0\" (byte 15)");
  CHECK(why(R"({"specversion":1.0,"id":"i","source":"s","type":"a"})") ==
        "'specversion' is a number with a fraction or an exponent (byte 15)");
  CHECK(why(R"({"specversion":"1.0","id":7,"source":"s","type":"a"})") == "'id' is a number (byte 26)");
  CHECK(why(R"({"specversion":"1.0","id":true,"source":"s","type":"a"})") == "'id' is a boolean (byte 26)");
}

TEST_CASE("an event has the topic that it came in on, and another type is its header cetype", "[codec]") {
  for (const std::string type : {"Order Shipped", "com.example.order.shipped"}) {
    const std::string wire = R"({"specversion":"1.0","id":"i","source":"s","type":")" + type + "\"}";
    const decoded d = decode(wire, "orders:7");
    REQUIRE(d.event != nullptr);
    CHECK(sdk::view(d.event->topic) == "orders:7");
    CHECK(d.header("cetype") == type);
  }
  CHECK(decode(R"({"specversion":"1.0","id":"i","source":"s","type":"a:b"})", "a:b").header("cetype") ==
        "(none)");
}

TEST_CASE("where nobody says what topic an event came in on its type has to be one", "[codec]") {
  CHECK(decode(R"({"specversion":"1.0","id":"i","source":"s","type":"Order Shipped"})", "")
            .why.starts_with("'type': "));
  CHECK(sdk::view(decode(R"({"specversion":"1.0","id":"i","source":"s","type":"a:b"})", "").event->topic) ==
        "a:b");
}

TEST_CASE("a name comes once and is a-z, 0-9", "[codec]") {
  CHECK(why(with(R"(,"id":"again")")) == "'id' twice (byte 55)");
  CHECK(why(with(R"(,"x":"1","x":"2")")) == "'x' twice (byte 63)");
  CHECK(why(with(R"(,"x":null,"x":"2")")) == "'x' twice (byte 64)");
  for (const std::string name : {"Xy", "x_y", "x-y", "", "\xc3\xa9"})
    CHECK(why(with(",\"" + name + "\":\"1\"")) == "a name of an attribute that is not a-z, 0-9 (byte 55)");
  CHECK(why(with(R"(,"\u0061":"1")")) == "an escape in the name of an attribute");
  CHECK(decode(with(",\"" + std::string(200, 'x') + "\":\"1\"")).event != nullptr);
}

TEST_CASE("as many headers as are read as JSON, and one more", "[codec]") {
  std::string members;
  for (int i = 0; i < 128; ++i) members += ",\"h" + std::to_string(i) + "\":\"v\"";
  const decoded d = decode(with(members));
  REQUIRE(d.event != nullptr);
  CHECK(d.header("h127") == "v");
  CHECK(why(with(members + R"(,"one":"more")")).starts_with("more than 128 headers (byte "));
}

TEST_CASE("what is no JSON object is refused, and where is said", "[codec]") {
  CHECK(why("").ends_with("(byte 0)"));
  CHECK(why("7") == "no JSON object");
  CHECK(why("\"text\"") == "no JSON object");
  CHECK(why("\"\\/\"") == "no JSON object");
  CHECK(why("null") == "no JSON object");
  CHECK(why("true") == "no JSON object");
  CHECK(why("{\"a\"") == "no JSON: incomplete JSON (byte 4)");
  CHECK(why(with("") + "x") == "more bytes behind the event (byte 54)");
  CHECK(why(with(",\"x\":\"\xff\"")).starts_with("no JSON: "));
  CHECK(why(with(",\"x\":\"\n\"")).starts_with("no JSON: "));
  CHECK(why(with(",\"x\":\"\\ud800\"")).starts_with("no JSON: "));
  CHECK(decode(" \n" + with("") + "\n ").event != nullptr);
}

TEST_CASE("JSON that is cut off anywhere is refused", "[codec]") {
  const std::string wire = encoded(full_event());
  for (std::size_t n = 0; n < wire.size(); ++n) {
    INFO(n);
    CHECK(decode(wire.substr(0, n)).event == nullptr);
  }
}

TEST_CASE("JSON with any byte changed is decoded or refused, and nothing worse", "[codec]") {
  const std::string wire = encoded(full_event());
  for (std::size_t n = 0; n < wire.size(); ++n)
    for (const int change : {0x01, 0x20, 0x80, 0xff}) {
      std::string other = wire;
      other[n] = static_cast<char>(other[n] ^ change);
      decode(other);
    }
}
