// units: durations and rates as they are written on the command line and shown.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace postbus::cli {

// As in a configuration: "250ms", "30s", "1h30m"; "0" needs no unit. Throws failure (usage).
std::chrono::nanoseconds duration_from(std::string_view text);

// Events a second: "100", "100/s", "6000/m", "1/h". Throws failure (usage).
double rate_from(std::string_view text);

// "0.31 s", "4 min 10 s", "2 h 3 min"; "12 ms" below a tenth of a second.
std::string show_duration(std::chrono::nanoseconds duration);

}  // namespace postbus::cli
