#include "progress.hpp"

#include "output.hpp"
#include "units.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

namespace postbus::cli {
namespace {

std::size_t terminal_width() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string remaining(const progress_state& s) {
  if (s.done == 0) return "";
  const double left = static_cast<double>(s.total - std::min(s.done, s.total)) / static_cast<double>(s.done);
  const auto seconds = std::chrono::round<std::chrono::seconds>(s.elapsed * left).count();
  if (seconds < 60) return "  ETA " + std::to_string(seconds) + " s";
  return "  ETA " + show_duration(std::chrono::seconds(seconds));
}

}  // namespace

std::string progress_line(const progress_state& s, std::size_t width) {
  const double seconds = std::chrono::duration<double>(s.elapsed).count();
  std::string facts = "  " + std::to_string(s.events) + " events";
  if (seconds > 0)
    facts +=
        "  " + std::to_string(static_cast<std::uint64_t>(static_cast<double>(s.events) / seconds)) + "/s";
  if (s.total == 0) return facts.substr(0, width);
  facts += remaining(s);

  const double part = std::min(1.0, static_cast<double>(s.done) / static_cast<double>(s.total));
  std::string line = std::to_string(static_cast<int>(part * 100)) + " %";
  line.insert(0, 5 - std::min<std::size_t>(5, line.size()), ' ');
  const std::size_t taken = line.size() + facts.size() + 3;
  if (width >= taken + 10) {
    const std::size_t bar = std::min<std::size_t>(40, width - taken);
    const auto full = static_cast<std::size_t>(part * static_cast<double>(bar));
    line.append(" [").append(full, '#').append(bar - full, ' ').append("]");
  }
  return (line + facts).substr(0, width);
}

progress_bar::progress_bar(bool quiet) : enabled_(!quiet && is_terminal(STDERR_FILENO)) {}

void progress_bar::show(const progress_state& state) {
  const auto now = std::chrono::steady_clock::now();
  if (!enabled_ || now < next_) return;
  next_ = now + std::chrono::milliseconds(100);
  shown_ = true;
  std::cerr << '\r' << progress_line(state, terminal_width() - 1) << "\033[K" << std::flush;
}

void progress_bar::clear() {
  if (shown_) std::cerr << "\r\033[K" << std::flush;
  shown_ = false;
}

}  // namespace postbus::cli
