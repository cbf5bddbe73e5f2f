// Competing consumers: row 4.
#include "all_rows.hpp"

#include <postbus/conformance/scene.hpp>

namespace postbus::conformance {
namespace {

void two_groups(scene& s) {
  constexpr std::size_t events = 1000;
  bus& b = s.open();
  collected<std::string> first_of_one, second_of_one, other;
  subscribe_options one, two;
  one.group = "first";
  one.prefetch = 8;
  two.group = "second";
  const auto into = [](collected<std::string>& to) { return [&](const delivery& d) { to.add(d.text()); }; };
  const auto s0 = b.subscribe("work:*", into(first_of_one), one);
  const auto s1 = b.subscribe("work:*", into(second_of_one), one);
  const auto s2 = b.subscribe("work:*", into(other), two);
  for (std::size_t n = 0; n < events; ++n) s.publish(b, "work:" + std::to_string(n % 7), std::to_string(n));
  s.await([&] { return first_of_one.size() + second_of_one.size() >= events && other.size() >= events; });
  s.settle_down();
  std::vector<std::string> split = first_of_one.all();
  for (const std::string& text : second_of_one.all()) split.push_back(text);
  expect_each_once(s, split, events, "a group of two members");
  expect_each_once(s, other.all(), events, "a group of one member");
  s.expect(first_of_one.size() > 0 && second_of_one.size() > 0, "each member of a group gets some");
}

constexpr row table[] = {
    {4,
     "two groups each get everything, and the members of one split it without a double",
     {"groups"},
     timing::either,
     two_groups},
};

}  // namespace

std::span<const row> group_rows() { return table; }

}  // namespace postbus::conformance
