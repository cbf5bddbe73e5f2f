// Not before, and not after: rows 17, 18.
#include "all_rows.hpp"

#include <postbus/conformance/scene.hpp>

#include <map>

namespace postbus::conformance {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t events = 1000;

void not_before(scene& s) {
  bus& b = s.open();
  std::map<std::string, std::chrono::nanoseconds> due;
  collected<std::pair<std::string, std::chrono::nanoseconds>> got;
  const auto sub = b.subscribe("a", [&](const delivery& d) {
    // Before anything else, so that it is not late by what we do.
    const auto at = s.now();
    got.add(std::pair(std::string(d.text()), at));
  });
  publish_options options;
  for (const std::string& n : numbers(events)) {
    options.delay = std::chrono::microseconds(s.is_virtual() ? 100'000 + 7919 * std::stoi(n) % 500'000
                                                             : 20'000 + 79 * std::stoi(n) % 50'000);
    due[n] = s.now() + *options.delay;
    s.publish(b, "a", n, options);
  }
  s.await([&] { return got.size() >= events; });
  s.settle_down();
  std::vector<std::string> seen;
  std::size_t early = 0, late = 0;
  for (const auto& [text, at] : got.all()) {
    seen.push_back(text);
    early += at < due[text];
    late += s.is_virtual() && at > due[text];
  }
  expect_each_once(s, seen, events, "a thousand delayed events");
  s.expect_equal(early, 0u, "events that came before they were due");
  s.expect_equal(late, 0u, "events that came after, on a clock that stands still meanwhile");
}

void cancelled(scene& s) {
  if (s.supplied("delay") == capability_info::how::native)
    s.skip("the transport keeps delayed events itself, and cancel_delayed() takes back those of the bus");
  bus& b = s.open();
  collected<std::string> got;
  const auto sub = b.subscribe("a", [&](const delivery& d) { got.add(d.text()); });
  const std::chrono::nanoseconds delay = s.is_virtual() ? 1h : 1s;
  publish_options options;
  options.delay = delay;
  std::vector<std::string> ids;
  for (const std::string& n : numbers(events)) ids.push_back(s.publish(b, "a", n, options).id());
  options.delay = 1ms;
  s.publish(b, "a", "stays", options);
  std::size_t taken_back = 0;
  for (const std::string& id : ids) taken_back += b.cancel_delayed(id);
  s.expect_equal(taken_back, events, "delayed events that were cancelled");
  s.expect_equal(b.cancel_delayed(ids.front()), 0u, "events cancelled a second time");
  s.let_pass(delay);
  s.await([&] { return got.size() >= 1; });
  s.settle_down();
  s.expect(got.all() == std::vector<std::string>{"stays"},
           "what is cancelled does not come, and what is not does");
}

// Both wait in a group without a member while time goes by.
void expired(scene& s) {
  bus& b = s.open();
  subscribe_options options;
  options.group = "g";
  b.subscribe(
       "a", [](const delivery&) {}, options)
      .unsubscribe();
  publish_options shorter, longer;
  shorter.ttl = s.is_virtual() ? 1min : 1ms;
  longer.ttl = 24h;
  for (const std::string& n : numbers(events)) {
    s.publish(b, "a", "short", shorter);
    s.publish(b, "a", n, longer);
  }
  s.let_pass(s.is_virtual() ? 1min : 5ms);
  collected<std::string> got;
  const auto sub = b.subscribe(
      "a", [&](const delivery& d) { got.add(d.text()); }, options);
  s.await([&] { return got.size() >= events; });
  s.settle_down();
  expect_each_once(s, got.all(), events, "events of a day among those that are over");
  s.expect_equal(sub.counts().expired, events, "events that expired");
}

// The end of its life belongs to the event, whoever gets it next.
void expires_between_two_members(scene& s) {
  s.need_own("acknowledgement");
  bus& b = s.open();
  std::atomic<std::size_t> first{0}, second{0};
  subscribe_options options;
  options.group = "g";
  options.prefetch = events;
  auto failing = b.subscribe(
      "a",
      [&](const delivery&) {
        ++first;
        throw retry(24h);
      },
      options);
  publish_options some;
  some.ttl = s.is_virtual() ? 1min : 2s;
  for (const std::string& n : numbers(events)) s.publish(b, "a", n, some);
  s.wait_until([&] { return failing.counts().retried == events; }, "a member fails at each event");
  failing.unsubscribe();
  s.let_pass(*some.ttl + 50ms);  // real clocks are read coarsely, some ms late
  const auto next = b.subscribe(
      "a", [&](const delivery&) { ++second; }, options);
  s.await([&] { return next.counts().expired >= events; });
  s.settle_down();
  s.expect_equal(first.load(), events, "handlers started while the events lived");
  s.expect_equal(second.load(), 0u, "handlers that the next member started when they were over");
  s.expect_equal(next.counts().expired, events, "events that expired");
}

constexpr row table[] = {
    {17, "a delayed event comes when it is due, once and not before", {"delay"}, timing::either, not_before},
    {17, "a delayed event that is cancelled does not come", {"delay"}, timing::either, cancelled},
    {18,
     "an event whose ttl is over is not delivered, and one with a longer ttl is",
     {"ids, headers, ordering key, ttl", "groups"},
     timing::either,
     expired},
    {18,
     "an event that expires between two members of a group is not delivered to the second",
     {"ids, headers, ordering key, ttl", "groups"},
     timing::either,
     expires_between_two_members},
};

}  // namespace

std::span<const row> later_rows() { return table; }

}  // namespace postbus::conformance
