#include "cron.hpp"

#include <postbus/error.hpp>

#include <charconv>
#include <chrono>
#include <string>

namespace postbus::detail {
namespace {

struct field {
  const char* name;
  unsigned least, most;
};
constexpr std::array<field, 5> fields{{{"minute", 0, 59},
                                       {"hour", 0, 23},
                                       {"day of the month", 1, 31},
                                       {"month", 1, 12},
                                       {"day of the week", 0, 7}}};

[[noreturn]] void refuse(std::string_view text, const field& f, std::string_view part) {
  throw error(
      error::bad_argument,
      "'" + std::string(part) + "' as the " + f.name + " of the cron expression '" + std::string(text) + "'",
      "*, or numbers from " + std::to_string(f.least) + " to " + std::to_string(f.most) +
          " as 5, 1-5, 1,3,5 or */5",
      "");
}

std::string_view cut(std::string_view& text, char at) {
  const std::size_t end = text.find(at);
  const std::string_view part = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return part;
}

bool read(std::string_view text, unsigned& number) {
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  return fault == std::errc() && end == text.data() + text.size();
}

std::bitset<60> parse_field(std::string_view whole, const field& f, std::string_view text) {
  std::bitset<60> set;
  std::string_view rest = text;
  if (text.ends_with(',')) refuse(whole, f, text);
  do {
    const std::string_view part = cut(rest, ',');
    std::string_view step_text = part;
    const std::string_view range = cut(step_text, '/');
    unsigned first = f.least, last = f.most, step = 1;
    if (range != "*") {
      std::string_view last_text = range;
      const std::string_view first_text = cut(last_text, '-');
      const bool is_range = range.find('-') != std::string_view::npos;
      if (!read(first_text, first) || (is_range && !read(last_text, last))) refuse(whole, f, part);
      if (!is_range && part.find('/') == std::string_view::npos) last = first;
    }
    if (part.find('/') != std::string_view::npos && (!read(step_text, step) || step == 0))
      refuse(whole, f, part);
    if (first < f.least || last > f.most || first > last) refuse(whole, f, part);
    for (unsigned n = first; n <= last; n += step) set.set(n);
  } while (!rest.empty());
  return set;
}

}  // namespace

cron::cron(std::string_view text) {
  std::string_view rest = text;
  std::size_t n = 0;
  while (!rest.empty()) {
    const std::string_view part = cut(rest, ' ');
    if (part.empty()) continue;
    if (n == fields.size()) refuse(text, {"sixth field", 0, 0}, part);
    if (n == 2) any_day_of_month_ = part.starts_with('*');
    if (n == 4) any_day_of_week_ = part.starts_with('*');
    fields_[n] = parse_field(text, fields[n], part);
    ++n;
  }
  if (n < fields.size()) refuse(text, fields[n], "");
  if (fields_[4][7]) fields_[4].set(0);
}

bool cron::has_day(std::int64_t days) const {
  const std::chrono::sys_days day{std::chrono::days(days)};
  const std::chrono::year_month_day date(day);
  if (!fields_[3][static_cast<unsigned>(date.month())]) return false;
  const bool in_month = fields_[2][static_cast<unsigned>(date.day())];
  const bool in_week = fields_[4][std::chrono::weekday(day).c_encoding()];
  return any_day_of_month_ || any_day_of_week_ ? in_month && in_week : in_month || in_week;
}

std::int64_t cron::next(std::int64_t after_s) const {
  constexpr std::int64_t day_s = 86'400;
  std::int64_t minute = after_s / 60 + 1;
  for (const std::int64_t end = minute + 5 * 366 * 1'440; minute < end;) {
    const std::int64_t day = minute * 60 / day_s;
    if (!has_day(day)) {
      minute = (day + 1) * 1'440;
      continue;
    }
    const auto of_day = static_cast<unsigned>(minute - day * 1'440);
    if (fields_[1][of_day / 60] && fields_[0][of_day % 60]) return minute * 60;
    minute += fields_[1][of_day / 60] ? 1 : 60 - of_day % 60;
  }
  return 0;
}

}  // namespace postbus::detail
