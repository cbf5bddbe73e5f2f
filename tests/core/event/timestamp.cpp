// Times as RFC 3339 writes them.
#include "event/timestamp.hpp"

#include "support/catch.hpp"

#include <limits>

using namespace postbus::detail;

namespace {

constexpr std::int64_t at = 1'522'949'460'000'000'000;  // 2018-04-05T17:31:00Z

std::string written(std::int64_t ns) {
  std::string text;
  append_timestamp(text, ns);
  return text;
}

}  // namespace

TEST_CASE("a time is written in UTC with the decimals it needs", "[timestamp]") {
  CHECK(written(at) == "2018-04-05T17:31:00Z");
  CHECK(written(at + 500'000'000) == "2018-04-05T17:31:00.500Z");
  CHECK(written(at + 1'000) == "2018-04-05T17:31:00.000001Z");
  CHECK(written(at + 123'456'789) == "2018-04-05T17:31:00.123456789Z");
  CHECK(written(0) == "1970-01-01T00:00:00Z");
  CHECK(written(-1) == "1969-12-31T23:59:59.999999999Z");
}

TEST_CASE("a time is read with any offset and any decimals", "[timestamp]") {
  for (const std::string_view text :
       {"2018-04-05T17:31:00Z", "2018-04-05t17:31:00z", "2018-04-05T17:31:00.0Z", "2018-04-05T19:31:00+02:00",
        "2018-04-06T00:01:00+06:30", "2018-04-04T18:31:00-23:00", "2018-04-05T17:31:00.0000000009-00:00"}) {
    INFO(text);
    CHECK(parse_timestamp(text) == at);
  }
  CHECK(parse_timestamp("2018-04-05T17:31:00.123456789Z") == at + 123'456'789);
  CHECK(parse_timestamp("2018-04-05T17:31:00.5+00:00") == at + 500'000'000);
}

TEST_CASE("a leap second is the first of the next minute", "[timestamp]") {
  CHECK(parse_timestamp("2016-12-31T23:59:60Z") == parse_timestamp("2017-01-01T00:00:00Z"));
}

TEST_CASE("the first and the last time that fit survive, their neighbours are refused", "[timestamp]") {
  for (const std::int64_t ns :
       {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()})
    CHECK(parse_timestamp(written(ns)) == ns);
  CHECK_FALSE(parse_timestamp("1677-09-21T00:12:43.145224191Z"));
  CHECK_FALSE(parse_timestamp("2262-04-11T23:47:16.854775808Z"));
  CHECK_FALSE(parse_timestamp("9999-12-31T23:59:59Z"));
}

TEST_CASE("what is no time is refused", "[timestamp]") {
  for (const std::string_view text :
       {"", "now", "2018-04-05", "2018-04-05T17:31:00", "2018-04-05 17:31:00Z", "2018-04-05T17:31Z",
        "2018-02-29T00:00:00Z", "2018-13-01T00:00:00Z", "2018-00-01T00:00:00Z", "2018-04-05T24:00:00Z",
        "2018-04-05T17:60:00Z", "2018-04-05T17:31:61Z", "2018-04-05T17:31:00.Z", "2018-04-05T17:31:00+24:00",
        "2018-04-05T17:31:00+02", "2018-04-05T17:31:00+0200", "2018-04-05T17:31:00Zx", "+018-04-05T17:31:00Z",
        "18-04-05T17:31:00Z"}) {
    INFO(text);
    CHECK_FALSE(parse_timestamp(text));
  }
}
