// log_bursts: which lines are said, and which are only counted. The first of its kind is said; those that follow it within the window
// are summed up in one line, when the window ends or the next one comes after it. It does nothing by itself: time is an argument.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace postbus::detail {

class log_bursts {
 public:
  static constexpr std::int64_t window_ns = 5'000'000'000;
  static constexpr std::size_t keys_max = 256;

  struct line {
    int level = 0;
    std::string module, message;
  };

  // Whether this line is said. What has to be summed up before it is added to `sums`.
  bool admit(std::int64_t now_ns, int level, std::string_view module, std::string_view key,
             std::string_view message, std::vector<line>& sums);
  // Ends the windows that are over by `now_ns`.
  void end(std::int64_t now_ns, std::vector<line>& sums);
  // Ends all.
  void end_all(std::int64_t now_ns, std::vector<line>& sums);
  // When the first window ends that has something to sum up; INT64_MAX: there is none.
  std::int64_t next_end_ns() const noexcept;

 private:
  struct burst {
    line first;
    std::int64_t begun_ns = 0;
    std::uint64_t more = 0;
  };
  using bursts = std::map<std::pair<std::string, std::string>, burst>;

  static void sum_up(const burst& b, std::int64_t now_ns, std::vector<line>& sums);
  void make_room(std::int64_t now_ns, std::vector<line>& sums);

  bursts bursts_;  // by module and key
};

}  // namespace postbus::detail
