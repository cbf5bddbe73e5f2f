#include "units.hpp"

#include "failure.hpp"
#include "support/catch.hpp"

using namespace postbus::cli;
using namespace std::chrono_literals;

TEST_CASE("a duration is a number with its unit", "[cli][units]") {
  CHECK(duration_from("250ms") == 250ms);
  CHECK(duration_from("1.5h") == 90min);
  CHECK(duration_from("30s") == 30s);
  CHECK(duration_from("2m") == 2min);
  CHECK(duration_from("1d") == 24h);
  CHECK(duration_from("5ns") == 5ns);
  CHECK(duration_from("0") == 0s);
  for (const char* wrong : {"", "30", "s", "-1s", "1e3s", "1y", "99999999999h"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(duration_from(wrong), failure);
  }
}

TEST_CASE("a rate counts events a second", "[cli][units]") {
  CHECK(rate_from("100") == 100);
  CHECK(rate_from("100/s") == 100);
  CHECK(rate_from("6000/m") == 100);
  CHECK(rate_from("36/h") * 100 == 1);
  for (const char* wrong : {"", "0", "-1", "/s", "100s", "100/x"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(rate_from(wrong), failure);
  }
}

TEST_CASE("a duration is shown in the unit that suits it", "[cli][units]") {
  CHECK(show_duration(120us) == "120 us");
  CHECK(show_duration(12ms) == "12 ms");
  CHECK(show_duration(310ms) == "0.31 s");
  CHECK(show_duration(250s) == "4 min 10 s");
  CHECK(show_duration(7400s) == "2 h 3 min");
}
