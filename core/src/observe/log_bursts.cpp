#include "log_bursts.hpp"

#include <algorithm>

namespace postbus::detail {

bool log_bursts::admit(std::int64_t now_ns, int level, std::string_view module, std::string_view key,
                       std::string_view message, std::vector<line>& sums) {
  std::pair<std::string, std::string> id(module, key);
  if (const auto found = bursts_.find(id); found != bursts_.end()) {
    if (now_ns - found->second.begun_ns < window_ns) return ++found->second.more, false;
    sum_up(found->second, found->second.begun_ns + window_ns, sums);
    bursts_.erase(found);
  }
  if (bursts_.size() == keys_max) make_room(now_ns, sums);
  bursts_.emplace(std::move(id), burst{{level, std::string(module), std::string(message)}, now_ns, 0});
  return true;
}

void log_bursts::end(std::int64_t now_ns, std::vector<line>& sums) {
  std::erase_if(bursts_, [&](const auto& b) {
    if (now_ns - b.second.begun_ns < window_ns) return false;
    sum_up(b.second, b.second.begun_ns + window_ns, sums);
    return true;
  });
}

void log_bursts::end_all(std::int64_t now_ns, std::vector<line>& sums) {
  for (const auto& [id, b] : bursts_) sum_up(b, now_ns, sums);
  bursts_.clear();
}

std::int64_t log_bursts::next_end_ns() const noexcept {
  std::int64_t next = INT64_MAX;
  for (const auto& [id, b] : bursts_)
    if (b.more > 0) next = std::min(next, b.begun_ns + window_ns);
  return next;
}

// "(and 37 more like it in 5 s)"; a second that has begun counts as one.
void log_bursts::sum_up(const burst& b, std::int64_t now_ns, std::vector<line>& sums) {
  if (b.more == 0) return;
  const std::int64_t seconds = std::max<std::int64_t>(1, (now_ns - b.begun_ns + 999'999'999) / 1'000'000'000);
  line& sum = sums.emplace_back(b.first);
  sum.message += " (and " + std::to_string(b.more) + " more like it in " + std::to_string(seconds) + " s)";
}

// Where too many differ, the oldest ends before its time.
void log_bursts::make_room(std::int64_t now_ns, std::vector<line>& sums) {
  end(now_ns, sums);
  if (bursts_.size() < keys_max) return;
  const auto oldest = std::min_element(bursts_.begin(), bursts_.end(), [](const auto& a, const auto& b) {
    return a.second.begun_ns < b.second.begun_ns;
  });
  sum_up(oldest->second, now_ns, sums);
  bursts_.erase(oldest);
}

}  // namespace postbus::detail
