// A point in time as RFC 3339 writes it, in UTC: 2018-04-05T17:31:00Z, 2018-04-05T17:31:00.250Z.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>

namespace postbus::sdk {

// Appends `wall_ns` (since the Unix epoch), with as few groups of three decimals as it needs. Throws bad_alloc.
void append_timestamp(std::string& out, std::int64_t wall_ns);

// ---- the rest is how

namespace detail {
inline char* put_digits(char* at, unsigned value, int digits) noexcept {
  for (int i = digits - 1; i >= 0; --i, value /= 10) at[i] = static_cast<char>('0' + value % 10);
  return at + digits;
}
}  // namespace detail

inline void append_timestamp(std::string& out, std::int64_t wall_ns) {
  constexpr std::int64_t second_ns = 1'000'000'000, day_s = 86'400;
  std::int64_t seconds = wall_ns / second_ns, ns = wall_ns % second_ns;
  if (ns < 0) ns += second_ns, --seconds;
  std::int64_t days = seconds / day_s, in_day = seconds % day_s;
  if (in_day < 0) in_day += day_s, --days;
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(days))};

  std::array<char, 32> text;
  char* at = detail::put_digits(text.data(), static_cast<unsigned>(static_cast<int>(date.year())), 4);
  *at++ = '-', at = detail::put_digits(at, static_cast<unsigned>(date.month()), 2);
  *at++ = '-', at = detail::put_digits(at, static_cast<unsigned>(date.day()), 2);
  *at++ = 'T', at = detail::put_digits(at, static_cast<unsigned>(in_day / 3600), 2);
  *at++ = ':', at = detail::put_digits(at, static_cast<unsigned>(in_day / 60 % 60), 2);
  *at++ = ':', at = detail::put_digits(at, static_cast<unsigned>(in_day % 60), 2);
  if (ns != 0) {
    const int digits = ns % 1'000'000 == 0 ? 3 : ns % 1'000 == 0 ? 6 : 9;
    *at++ = '.';
    at = detail::put_digits(at,
                            static_cast<unsigned>(digits == 3   ? ns / 1'000'000
                                                  : digits == 6 ? ns / 1'000
                                                                : ns),
                            digits);
  }
  *at++ = 'Z';
  out.append(text.data(), at);
}

}  // namespace postbus::sdk
