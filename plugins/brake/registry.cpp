#include "registry.hpp"

#include <array>

namespace postbus::brake_plugin {

std::string registration::member(std::string_view process, std::uint64_t number, std::string_view topic,
                                 std::string_view id) {
  std::string text(process);
  return text.append(" ").append(std::to_string(number)).append(" ").append(topic).append(" ").append(id);
}

// The id is what is left: it may hold anything.
registration registration::parse(std::string_view member) {
  registration r;
  const std::array<std::string*, 3> parts{&r.process, &r.number, &r.topic};
  for (std::string* part : parts) {
    const std::size_t end = member.find(' ');
    *part = member.substr(0, end);
    member.remove_prefix(end == member.npos ? member.size() : end + 1);
  }
  r.id = member;
  return r;
}

work& registry::enter(std::uint64_t ticket, std::string_view process, std::string_view key,
                      std::string_view topic, std::string_view id) {
  work& w = running_[ticket];
  w = {};
  w.member = registration::member(process, ++last_number_, topic, id);
  w.key = key;
  w.topic = topic;
  return w;
}

work* registry::find(std::uint64_t ticket) {
  const auto found = running_.find(ticket);
  return found == running_.end() ? nullptr : &found->second;
}

std::optional<work> registry::take(std::uint64_t ticket) {
  auto node = running_.extract(ticket);
  if (node.empty()) return std::nullopt;
  return std::move(node.mapped());
}

void registry::renewed(std::uint64_t ticket, std::string_view member, std::int64_t good_until_ns) {
  if (work* const w = find(ticket); w != nullptr && w->member == member) w->good_until_ns = good_until_ns;
}

void registry::lapsed(std::uint64_t ticket, std::string_view member) {
  if (work* const w = find(ticket); w != nullptr && w->member == member) w->has_lapsed = true;
}

void registry::park(std::uint64_t ticket, std::uint64_t place, std::string_view key, std::string_view topic) {
  if (place_.contains(ticket)) return;
  aside_.emplace(place, aside{ticket, std::string(key), std::string(topic)});
  place_.emplace(ticket, place);
}

bool registry::forget(std::uint64_t ticket) {
  const auto found = place_.find(ticket);
  if (found == place_.end()) return false;
  aside_.erase(found->second);
  place_.erase(found);
  return true;
}

std::vector<std::uint64_t> registry::release(const which& is_meant) {
  std::vector<std::uint64_t> tickets;
  for (auto at = aside_.begin(); at != aside_.end();) {
    if (!is_meant(at->second.key, at->second.topic)) {
      ++at;
      continue;
    }
    tickets.push_back(at->second.ticket);
    place_.erase(at->second.ticket);
    at = aside_.erase(at);
  }
  return tickets;
}

std::uint64_t registry::parked(const which& is_meant) const {
  std::uint64_t n = 0;
  for (const auto& [place, one] : aside_) n += is_meant(one.key, one.topic) ? 1u : 0u;
  return n;
}

}  // namespace postbus::brake_plugin
