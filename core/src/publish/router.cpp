#include "router.hpp"

#include <postbus/sdk/topic.hpp>

#include <algorithm>

namespace postbus::detail {
namespace {

bool is_wildcard(std::string_view segment) noexcept { return sdk::has_wildcard(segment); }

// Takes the first segment from the front of `pattern`; done when there is none.
struct segments {
  std::string_view rest;
  bool done = false;

  std::string_view next() noexcept {
    const std::size_t end = rest.find(':');
    const std::string_view segment = rest.substr(0, end);
    if (end == std::string_view::npos) done = true;
    else rest.remove_prefix(end + 1);
    return segment;
  }
  bool is_many() const noexcept { return !done && rest == "**"; }
};

// A wildcard in front never matches what belongs to the bus.
bool is_shut(std::string_view wildcard, std::string_view segment) noexcept {
  return is_wildcard(wildcard) && segment == sdk::reserved_first_segment;
}

}  // namespace

bool patterns_meet(std::string_view a, std::string_view b) noexcept {
  segments x{a}, y{b};
  for (bool first = true;; first = false) {
    if (x.is_many() || y.is_many()) {
      // "**" stands for nothing too, and then the other one has to end as well; in front it does not stand for what is reserved.
      const segments& other = x.is_many() ? y : x;
      return !first || other.is_many() ||
             other.rest.substr(0, other.rest.find(':')) != sdk::reserved_first_segment;
    }
    if (x.done || y.done) return x.done && y.done;
    const std::string_view s = x.next(), t = y.next();
    if (first && (is_shut(s, t) || is_shut(t, s))) return false;
    if (s != t && !is_wildcard(s) && !is_wildcard(t)) return false;
  }
}

bool pattern_covers(std::string_view outer, std::string_view inner) noexcept {
  segments x{outer}, y{inner};
  for (bool first = true;; first = false) {
    if (x.is_many()) return !first || y.rest.substr(0, y.rest.find(':')) != sdk::reserved_first_segment;
    if (x.done || y.done) return x.done && y.done;
    if (y.is_many()) return first && is_wildcard(x.next()) && x.is_many();  // no topic is empty
    const std::string_view s = x.next(), t = y.next();
    if (first && is_shut(s, t)) return false;
    if (s != t && !is_wildcard(s)) return false;
  }
}

std::size_t router::route(std::string_view topic) const noexcept {
  for (const route_settings& r : routes_)
    if (std::any_of(r.topics.begin(), r.topics.end(), [&](const auto& p) { return sdk::matches(p, topic); }))
      return r.transport;
  return 0;
}

std::vector<std::size_t> router::reach(std::string_view pattern) const {
  std::vector<std::size_t> found;
  bool covered = false;
  for (const route_settings& r : routes_) {
    for (const std::string& p : r.topics) {
      if (patterns_meet(p, pattern)) found.push_back(r.transport);
      covered = covered || pattern_covers(p, pattern);
    }
    if (covered) break;
  }
  if (!covered) found.push_back(0);
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

}  // namespace postbus::detail
