#include "progress.hpp"

#include "support/catch.hpp"

using namespace postbus::cli;
using namespace std::chrono_literals;

TEST_CASE("the progress line tells part, rate and what is left", "[cli][progress]") {
  CHECK(progress_line({1200, 300, 1200, 3s}, 55) ==
        " 25 % [####              ]  1200 events  400/s  ETA 9 s");
  CHECK(progress_line({1200, 1200, 1200, 3s}, 55) ==
        "100 % [##################]  1200 events  400/s  ETA 0 s");
}

TEST_CASE("a line for which there is no room loses its bar, then its end", "[cli][progress]") {
  CHECK(progress_line({1200, 600, 1200, 3s}, 42) == " 50 %  1200 events  400/s  ETA 3 s");
  CHECK(progress_line({1200, 600, 1200, 3s}, 12) == " 50 %  1200 ");
}

TEST_CASE("without a total there is a count and a rate", "[cli][progress]") {
  CHECK(progress_line({5, 100, 0, 2s}, 60) == "  5 events  2/s");
  CHECK(progress_line({0, 0, 0, 0s}, 60) == "  0 events");
}
