// cron: the times of a cron expression, in UTC. Fields and their meaning are those of crontab(5) in Vixie cron, without names.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <string_view>

namespace postbus::detail {

class cron {
 public:
  // Throws error::bad_argument, which names the field.
  explicit cron(std::string_view text);
  // The first time after `after_s`, in seconds since 1970; 0 when there is none within five years (the 30th of February).
  std::int64_t next(std::int64_t after_s) const;

 private:
  bool has_day(std::int64_t days) const;

  std::array<std::bitset<60>, 5> fields_;  // minute, hour, day of the month, month, day of the week
  bool any_day_of_month_ = false, any_day_of_week_ = false;
};

}  // namespace postbus::detail
