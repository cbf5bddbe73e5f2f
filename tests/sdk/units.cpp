#include "support/catch.hpp"

#include <postbus/sdk/units.hpp>

#include <cstdint>
#include <string_view>

using namespace postbus;

TEST_CASE("a duration is read in every unit, with a fraction, and in several parts", "[units]") {
  CHECK(sdk::parse_duration("7ns") == 7);
  CHECK(sdk::parse_duration("7us") == 7'000);
  CHECK(sdk::parse_duration("7µs") == 7'000);
  CHECK(sdk::parse_duration("250ms") == 250'000'000);
  CHECK(sdk::parse_duration("30s") == 30'000'000'000);
  CHECK(sdk::parse_duration("5m") == 300'000'000'000);
  CHECK(sdk::parse_duration("1h") == 3'600'000'000'000);
  CHECK(sdk::parse_duration("2d") == 172'800'000'000'000);
  CHECK(sdk::parse_duration("1.5h") == 5'400'000'000'000);
  CHECK(sdk::parse_duration("1h30m") == 5'400'000'000'000);
  CHECK(sdk::parse_duration("10 ms") == 10'000'000);
  CHECK(sdk::parse_duration("0s") == 0);
}

TEST_CASE("what is no duration is not taken for one", "[units]") {
  for (const std::string_view text : {"", "5", "ms", "-1s", "1x", "1.s", ".5s", "1,5s", "1s ", " 1s",
                                      "1 hour", "1h 30m", "1e3s", "0.5ns"}) {
    CAPTURE(text);
    CHECK_FALSE(sdk::parse_duration(text));
  }
}

TEST_CASE("a duration that does not fit is refused, and the longest that fits is read", "[units]") {
  CHECK(sdk::parse_duration("9223372036854775807ns") == INT64_MAX);
  CHECK_FALSE(sdk::parse_duration("9223372036854775808ns"));
  CHECK_FALSE(sdk::parse_duration("106752d"));
  CHECK_FALSE(sdk::parse_duration("100000d100000d"));
  CHECK_FALSE(sdk::parse_duration("0.00000000000000000000001s"));
}

TEST_CASE("a size is read in decimal and binary units, and as plain bytes", "[units]") {
  CHECK(sdk::parse_bytes("512") == 512);
  CHECK(sdk::parse_bytes("512B") == 512);
  CHECK(sdk::parse_bytes("64kB") == 64'000);
  CHECK(sdk::parse_bytes("64KiB") == 65'536);
  CHECK(sdk::parse_bytes("16MiB") == 16'777'216);
  CHECK(sdk::parse_bytes("1.5 GiB") == 1'610'612'736);
  CHECK(sdk::parse_bytes("2TB") == 2'000'000'000'000);
}

TEST_CASE("what is no size is not taken for one", "[units]") {
  for (const std::string_view text : {"", "MiB", "-1", "1k", "1M", "1mb", "1MiB1", "1MiB 2kB", "0.5B",
                                      "9223372036854775808", "8388608TiB"}) {
    CAPTURE(text);
    CHECK_FALSE(sdk::parse_bytes(text));
  }
}

TEST_CASE("a number is shown in the largest unit without a fraction, and reads back the same", "[units]") {
  CHECK(sdk::duration_text(90'000'000'000) == "90s");
  CHECK(sdk::duration_text(3'600'000'000'000) == "1h");
  CHECK(sdk::duration_text(0) == "0ns");
  CHECK(sdk::bytes_text(16'777'216) == "16MiB");
  CHECK(sdk::bytes_text(1'000'000) == "1MB");
  CHECK(sdk::bytes_text(1'000) == "1kB");
  for (const std::int64_t n :
       {std::int64_t{0}, std::int64_t{1}, std::int64_t{1023}, std::int64_t{86'400'000'000'000}, INT64_MAX}) {
    CHECK(sdk::parse_duration(sdk::duration_text(n)) == n);
    CHECK(sdk::parse_bytes(sdk::bytes_text(n)) == n);
  }
}
