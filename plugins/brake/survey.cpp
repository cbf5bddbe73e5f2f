#include "survey.hpp"

#include <boost/json.hpp>

#include <charconv>

namespace postbus::brake_plugin {

std::string survey::confirmation(std::int64_t epoch, std::uint64_t parked) {
  return std::to_string(epoch) + " " + std::to_string(parked);
}

void survey::add_confirmation(std::string_view process, std::string_view text) {
  std::int64_t epoch = 0;
  std::uint64_t aside = 0;
  const char* const end = text.data() + text.size();
  const auto [at, ec] = std::from_chars(text.data(), end, epoch);
  if (ec != std::errc()) return;
  if (at != end) std::from_chars(at + 1, end, aside);
  confirmed[std::string(process)] = epoch;
  if (epoch >= record.epoch) parked += aside;
}

std::vector<std::string> survey::unconfirmed() const {
  std::vector<std::string> names;
  for (const std::string& process : live) {
    const auto found = confirmed.find(process);
    if (found == confirmed.end() || found->second < record.epoch) names.push_back(process);
  }
  return names;
}

std::string survey::work_as_json() const {
  boost::json::array all;
  for (const running& w : work) {
    const registration r = registration::parse(w.member);
    all.push_back({{"process", r.process}, {"topic", r.topic}, {"id", r.id}, {"unverified", w.has_lapsed}});
  }
  return boost::json::serialize(all);
}

phase due(const survey& s, std::chrono::nanoseconds known_for, const limits& l) {
  const phase now = s.record.phase;
  switch (now) {
    case phase::pausing:
      if (!s.unconfirmed().empty()) return now;
      if (s.work.empty()) return phase::paused;
      return known_for >= l.verify_after ? phase::partial : now;
    case phase::partial:
      return s.work.empty() ? phase::paused : now;
    case phase::resuming:
      return s.unconfirmed().empty() || known_for >= l.confirm_within ? phase::running : now;
    default:
      return now;
  }
}

}  // namespace postbus::brake_plugin
