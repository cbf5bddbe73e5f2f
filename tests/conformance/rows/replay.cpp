// Beginning in the past: row 21.
#include "all_rows.hpp"

#include <postbus/conformance/scene.hpp>

namespace postbus::conformance {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t events = 1000;

// A bus on a transport that remembers, and what was published on it before anybody listened. Time goes by in the middle.
struct past {
  scene& s;
  bus& b;
  std::vector<std::string> positions;
  std::chrono::system_clock::time_point middle{};

  explicit past(scene& on)
      : s(on),
        b(s.open(s.has_setting("history_max") ? scene::settings{{"transport.history_max", "5000"}}
                                              : scene::settings{})) {
    std::atomic<bool> knows{false};
    const auto watch = b.subscribe("past:middle", [&](const delivery& d) {
      middle = d.time();
      knows = true;
    });
    for (std::size_t n = 0; n < events; ++n) {
      if (n == events / 2) {
        s.let_pass(5ms);
        s.publish(b, "past:middle", "");
      }
      positions.push_back(s.publish(b, n % 2 == 0 ? "past:a" : "past:b", std::to_string(n)).position());
    }
    s.wait_until([&] { return knows.load(); }, "an event in the middle arrives");
  }

  // What a subscription gets that begins there, while more is published.
  void expect_from(start_point from, std::size_t first, std::string_view what) {
    collected<std::string> got;
    subscribe_options options;
    options.from = std::move(from);
    const auto sub = b.subscribe(
        "past:*", [&](const delivery& d) { d.text().empty() ? void() : got.add(d.text()); }, options);
    const std::size_t more = positions.size();
    for (std::size_t n = more; n < more + 10; ++n)
      positions.push_back(s.publish(b, "past:a", std::to_string(n)).position());
    std::vector<std::string> expected;
    for (std::size_t n = first; n < positions.size(); ++n) expected.push_back(std::to_string(n));
    s.await([&] { return got.size() >= expected.size(); });
    s.settle_down();
    const auto seen = got.all();
    s.expect(seen == expected, "a subscription " + std::string(what) + " gets " +
                                   std::to_string(expected.size()) + " events in their order, from " +
                                   expected.front() + " on; it got " + std::to_string(seen.size()) +
                                   ", from " + (seen.empty() ? "none" : seen.front()) + " on");
  }
};

void from_the_beginning(scene& s) { past(s).expect_from(from_beginning(), 0, "from the beginning"); }

void from_a_position(scene& s) {
  past p(s);
  s.require(!p.positions.front().empty(), "a receipt says the position of its event, where there is replay");
  p.expect_from(from_position(p.positions[events / 2]), events / 2 + 1, "from a position in the middle");
  p.expect_from(from_position(p.positions[0]), 1, "from the position of the first");
}

void from_a_time(scene& s) {
  past p(s);
  p.expect_from(from_time(p.middle), events / 2, "from a time in the middle");
}

void a_group_from_the_beginning(scene& s) {
  past p(s);
  collected<std::string> got;
  subscribe_options options;
  options.group = "replay";
  options.from = from_beginning();
  const auto handle = [&](const delivery& d) {
    if (d.text().empty()) return;
    if (d.attempt() == 1 && d.text().ends_with('3')) throw retry(0ms);
    got.add(d.text());
  };
  const auto first = p.b.subscribe("past:*", handle, options);
  options.from = {};
  const auto second = p.b.subscribe("past:*", handle, options);
  s.await([&] { return got.size() >= events; });
  s.settle_down();
  expect_each_once(s, got.all(), events, "a group that begins at the beginning");
}

constexpr row table[] = {
    {21,
     "a subscription begins at the beginning, and goes on with what is new",
     {"replay", "patterns"},
     timing::either,
     from_the_beginning},
    {21,
     "a subscription begins behind the position that a receipt said",
     {"replay", "patterns"},
     timing::either,
     from_a_position},
    {21, "a subscription begins at a time", {"replay", "patterns"}, timing::either, from_a_time},
    {21,
     "a group begins at the beginning, and its members split what there was",
     {"replay", "groups"},
     timing::either,
     a_group_from_the_beginning},
};

}  // namespace

std::span<const row> replay_rows() { return table; }

}  // namespace postbus::conformance
