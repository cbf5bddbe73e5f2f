// progress: a line that tells how far something is, drawn again and again in its place on a terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace postbus::cli {

struct progress_state {
  std::uint64_t events = 0;  // done
  std::uint64_t done = 0;    // of `total`, in whatever it is counted
  std::uint64_t total = 0;   // 0: not known
  std::chrono::nanoseconds elapsed{};
};

// " 45 % [#########           ]  1234 events  4100/s  ETA 3 s", in at most `width` columns; without percent, bar and ETA when the total
// is not known.
std::string progress_line(const progress_state& state, std::size_t width);

// Draws it on standard error, ten times a second at most; nothing where that is no terminal, or `quiet`.
class progress_bar {
 public:
  explicit progress_bar(bool quiet);
  ~progress_bar() { clear(); }
  progress_bar(const progress_bar&) = delete;
  progress_bar& operator=(const progress_bar&) = delete;

  void show(const progress_state& state);
  // Takes the line away, so that something else can be printed.
  void clear();

 private:
  bool shown_ = false, enabled_;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace postbus::cli
