#include "units.hpp"

#include "failure.hpp"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <optional>

namespace postbus::cli {
namespace {

struct unit {
  std::string_view name;
  double seconds;
};
constexpr unit units[] = {{"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1},
                          {"m", 60},    {"min", 60},  {"h", 3600},  {"d", 86400}};

std::optional<double> seconds_in(std::string_view name) {
  for (const unit& u : units)
    if (u.name == name) return u.seconds;
  return std::nullopt;
}

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
  constexpr double longest_s = 9.2e9;  // what 64 bits of nanoseconds hold
  std::string_view rest = text;
  const std::optional<double> number = take_number(rest);
  const std::optional<double> seconds = number == 0 && rest.empty() ? 1 : seconds_in(rest);
  if (!number || !seconds || *number * *seconds > longest_s)
    throw usage("the duration \"" + std::string(text) + "\"",
                "a number and one of ns, us, ms, s, m, h, d, as in 250ms or 30s", "write it with its unit");
  return std::chrono::nanoseconds(std::llround(*number * *seconds * 1e9));
}

double rate_from(std::string_view text) {
  std::string_view rest = text;
  const double number = take_number(rest).value_or(0);
  if (rest.empty()) rest = "/s";
  const double seconds = rest.front() == '/' ? seconds_in(rest.substr(1)).value_or(0) : 0;
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
