#include "timestamp.hpp"

#include <chrono>

namespace postbus::detail {
namespace {

using std::chrono::year_month_day;
constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::int64_t day_s = 86'400;

// What is left of a text. Each function takes off the front what it names, or marks the text as bad.
struct cursor {
  std::string_view text;
  bool good = true;

  unsigned number(unsigned digits) noexcept {
    unsigned value = 0;
    for (unsigned i = 0; i < digits; ++i) {
      good = good && i < text.size() && text[i] >= '0' && text[i] <= '9';
      if (!good) return 0;
      value = value * 10 + static_cast<unsigned>(text[i] - '0');
    }
    text.remove_prefix(digits);
    return value;
  }
  bool takes(char c) noexcept {
    if (!good || text.empty() || text.front() != c) return false;
    text.remove_prefix(1);
    return true;
  }
  void needs(char c) noexcept { good = takes(c); }
  void needs(char c, char other) noexcept { good = takes(c) || takes(other); }

  std::int64_t fraction_ns() noexcept {
    if (!takes('.')) return 0;
    std::int64_t ns = 0, unit = second_ns / 10;
    good = !text.empty() && text.front() >= '0' && text.front() <= '9';
    for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; unit /= 10, text.remove_prefix(1))
      ns += unit * (text.front() - '0');
    return ns;
  }
  std::int64_t offset_s() noexcept {
    if (takes('Z') || takes('z')) return 0;
    const bool west = takes('-');
    if (!west) needs('+');
    const unsigned hours = number(2);
    needs(':');
    const unsigned minutes = number(2);
    good = good && hours < 24 && minutes < 60;
    const std::int64_t seconds = std::int64_t{hours} * 3600 + std::int64_t{minutes} * 60;
    return west ? -seconds : seconds;
  }
};

}  // namespace

std::optional<std::int64_t> parse_timestamp(std::string_view text) noexcept {
  cursor c{text};
  const unsigned year = c.number(4);
  c.needs('-');
  const unsigned month = c.number(2);
  c.needs('-');
  const unsigned day = c.number(2);
  c.needs('T', 't');
  const unsigned hour = c.number(2);
  c.needs(':');
  const unsigned minute = c.number(2);
  c.needs(':');
  const unsigned second = c.number(2);
  const std::int64_t ns = c.fraction_ns();
  const std::int64_t offset_s = c.offset_s();
  const year_month_day date{std::chrono::year(static_cast<int>(year)), std::chrono::month(month),
                            std::chrono::day(day)};
  if (!c.good || !c.text.empty() || !date.ok() || hour > 23 || minute > 59 || second > 60)
    return std::nullopt;

  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  std::int64_t seconds =
      days * day_s + std::int64_t{hour} * 3600 + std::int64_t{minute} * 60 + second - offset_s;
  std::int64_t part = ns;
  if (seconds < 0) ++seconds, part -= second_ns;  // or the last second before the range ends would overflow
  std::int64_t whole = 0, result = 0;
  if (__builtin_mul_overflow(seconds, second_ns, &whole) || __builtin_add_overflow(whole, part, &result))
    return std::nullopt;
  return result;
}

}  // namespace postbus::detail
