// postbus/sdk/units.hpp — durations and sizes as a person writes them. The only place that knows the units; everywhere else they are nanoseconds and bytes.
//
//   250ms  1.5h  1h30m     ns us µs ms s m h d
//   16MiB  64kB  512       B; kB MB GB TB (1000); KiB MiB GiB TiB (1024); a plain number is bytes
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace postbus::sdk {

// Nanoseconds. Nothing when the text is none of the above, is no whole number of nanoseconds, or is longer than 292 years.
std::optional<std::int64_t> parse_duration(std::string_view text) noexcept;

// Bytes. Nothing when the text is none of the above, is no whole number of bytes, or is 8 EiB or more.
std::optional<std::int64_t> parse_bytes(std::string_view text) noexcept;

// In the largest unit that takes no fraction: "90s", "16MiB". Reading it gives the same number.
std::string duration_text(std::int64_t ns);
std::string bytes_text(std::int64_t bytes);

// What to write, for error messages.
inline constexpr std::string_view duration_examples = "a duration such as \"250ms\" or \"1h\"";
inline constexpr std::string_view bytes_examples = "a size such as \"64kB\" or \"16MiB\"";

// ---- the rest is how

namespace detail::units {

struct unit {
  std::string_view name;
  std::int64_t factor;
};

// The largest first: this is also the order in which a number looks for the unit to be shown in.
inline constexpr unit time_units[] = {{"d", 86'400'000'000'000},
                                      {"h", 3'600'000'000'000},
                                      {"m", 60'000'000'000},
                                      {"s", 1'000'000'000},
                                      {"ms", 1'000'000},
                                      {"us", 1'000},
                                      {"µs", 1'000},
                                      {"ns", 1}};
inline constexpr unit size_units[] = {{"TiB", std::int64_t{1} << 40},
                                      {"GiB", std::int64_t{1} << 30},
                                      {"MiB", std::int64_t{1} << 20},
                                      {"KiB", std::int64_t{1} << 10},
                                      {"TB", 1'000'000'000'000},
                                      {"GB", 1'000'000'000},
                                      {"MB", 1'000'000},
                                      {"kB", 1'000},
                                      {"KB", 1'000},
                                      {"B", 1}};

inline bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// Takes the digits at the front of `text`, appended to `value`; false when they do not fit.
inline bool take_digits(std::string_view& text, std::int64_t& value, std::int64_t* scale = nullptr) noexcept {
  for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1)) {
    if (__builtin_mul_overflow(value, 10, &value) ||
        __builtin_add_overflow(value, text.front() - '0', &value))
      return false;
    if (scale && __builtin_mul_overflow(*scale, 10, scale)) return false;
  }
  return true;
}

// Takes "1.5 h" from the front of `text` and adds it to `sum`; false when that is not what stands there.
inline bool take_part(std::string_view& text, std::span<const unit> units, std::int64_t& sum) noexcept {
  if (text.empty() || !is_digit(text.front())) return false;
  std::int64_t number = 0, scale = 1;
  if (!take_digits(text, number)) return false;
  if (text.size() > 1 && text[0] == '.' && is_digit(text[1])) {
    text.remove_prefix(1);
    if (!take_digits(text, number, &scale)) return false;
  }
  if (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  const std::string_view name = text.substr(0, std::min(text.find_first_of("0123456789 "), text.size()));
  const auto found = std::find_if(units.begin(), units.end(), [&](const unit& u) { return u.name == name; });
  if (found == units.end()) return false;
  text.remove_prefix(name.size());
  std::int64_t product = 0;
  if (__builtin_mul_overflow(number, found->factor, &product) || product % scale != 0) return false;
  return !__builtin_add_overflow(sum, product / scale, &sum);
}

inline std::string in_largest_unit(std::int64_t value, std::span<const unit> units) {
  const auto whole = [&](const unit& u) { return value % u.factor == 0; };
  const unit& best = value == 0 ? units.back() : *std::find_if(units.begin(), units.end(), whole);
  return std::to_string(value / best.factor).append(best.name);
}

}  // namespace detail::units

inline std::optional<std::int64_t> parse_duration(std::string_view text) noexcept {
  std::int64_t sum = 0;
  do {
    if (!detail::units::take_part(text, detail::units::time_units, sum)) return std::nullopt;
  } while (!text.empty());
  return sum;
}

inline std::optional<std::int64_t> parse_bytes(std::string_view text) noexcept {
  std::int64_t sum = 0;
  std::string_view plain = text;
  if (!text.empty() && detail::units::take_digits(plain, sum) && plain.empty()) return sum;
  sum = 0;
  if (!detail::units::take_part(text, detail::units::size_units, sum) || !text.empty()) return std::nullopt;
  return sum;
}

inline std::string duration_text(std::int64_t ns) {
  return detail::units::in_largest_unit(ns, detail::units::time_units);
}
inline std::string bytes_text(std::int64_t bytes) {
  return detail::units::in_largest_unit(bytes, detail::units::size_units);
}

}  // namespace postbus::sdk
