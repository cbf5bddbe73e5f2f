#include "units.hpp"

#include "failure.hpp"

#include <postbus/sdk/units.hpp>

#include <charconv>
#include <cmath>
#include <cstdio>
#include <optional>

namespace postbus::cli {
namespace {

// A number at the front of `text`, which is left with what follows.
std::optional<double> take_number(std::string_view& text) {
  double number = 0;
  const auto [end, ec] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (ec != std::errc() || number < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

std::string printed(const char* format, double a) {
  char text[48];
  std::snprintf(text, sizeof text, format, a);
  return text;
}

}  // namespace

std::chrono::nanoseconds duration_from(std::string_view text) {
  if (text == "0") return {};
  if (const auto ns = sdk::parse_duration(text)) return std::chrono::nanoseconds(*ns);
  throw usage("the duration \"" + std::string(text) + "\"", std::string(sdk::duration_examples),
              "write it with its unit");
}

double rate_from(std::string_view text) {
  std::string_view rest = text;
  const double number = take_number(rest).value_or(0);
  if (rest.empty()) rest = "/s";
  const auto per =
      rest.front() == '/' ? sdk::parse_duration("1" + std::string(rest.substr(1))) : std::nullopt;
  const double seconds = static_cast<double>(per.value_or(0)) / 1e9;
  if (number <= 0 || seconds <= 0)
    throw usage("the rate \"" + std::string(text) + "\"",
                "a number above 0, and /s, /m or /h where it is not by the second, as in 100/s",
                "write it so");
  return number / seconds;
}

std::string show_duration(std::chrono::nanoseconds duration) {
  const double seconds = std::chrono::duration<double>(duration).count();
  if (seconds < 0.001) return printed("%.0f us", seconds * 1e6);
  if (seconds < 0.1) return printed("%.0f ms", seconds * 1e3);
  if (seconds < 60) return printed("%.2f s", seconds);
  const auto whole = static_cast<long long>(seconds);
  if (whole < 3600) return std::to_string(whole / 60) + " min " + std::to_string(whole % 60) + " s";
  return std::to_string(whole / 3600) + " h " + std::to_string(whole / 60 % 60) + " min";
}

}  // namespace postbus::cli
