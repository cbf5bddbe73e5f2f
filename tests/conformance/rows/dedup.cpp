// An event is handled once, with the feature dedup: row 19.
#include "all_rows.hpp"

#include <postbus/conformance/scene.hpp>

namespace postbus::conformance {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t events = 1500;

subscribe_options workers(scene& s) {
  subscribe_options o;
  // The claims are of the group, and the store may remember those of the row before.
  static int rows = 0;
  if (s.supplied("groups") != capability_info::how::refused) o.group = "dedup-" + std::to_string(++rows);
  o.backoff = {1ms, 1, 1ms};
  o.max_deliveries = 5;
  return o;
}

void publish_as(scene& s, bus& b, std::string_view id, std::string_view data) {
  publish_options options;
  options.id = id;
  s.publish(b, "a", data, options);
}

void once_each(scene& s) {
  bus& b = s.open();
  collected<std::string> seen;
  const auto sub = b.subscribe(
      "a", [&](const delivery& d) { seen.add(d.id()); }, workers(s));
  for (const std::string& n : numbers(events))
    for (int copy = 0; copy < 2; ++copy) publish_as(s, b, n, "x");
  s.await([&] { return ended(sub.counts()) >= 2 * events; });
  for (const std::string& n : numbers(events)) publish_as(s, b, n, "x");
  s.await([&] { return ended(sub.counts()) >= 3 * events; });
  s.settle_down();
  expect_each_once(s, seen.all(), events, "events of which each was published three times");
  s.expect_equal(sub.counts().dropped, 2 * events, "copies that were dropped");
}

void first_attempt_fails(scene& s) {
  bus& b = s.open();
  collected<std::string> done;
  const auto sub = b.subscribe(
      "a",
      [&](const delivery& d) {
        if (d.attempt() == 1) throw std::runtime_error("not yet");
        done.add(d.id());
      },
      workers(s));
  for (const std::string& n : numbers(events)) publish_as(s, b, n, "x");
  s.await([&] { return done.size() >= events; });
  for (const std::string& n : numbers(events)) publish_as(s, b, n, "x");
  s.await([&] { return ended(sub.counts()) >= 2 * events; });
  s.settle_down();
  expect_each_once(s, done.all(), events, "events whose first attempt fails");
}

void equal_bodies(scene& s) {
  bus& b = s.open();
  collected<std::string> seen;
  const auto sub = b.subscribe(
      "a", [&](const delivery& d) { seen.add(d.id()); }, workers(s));
  for (const std::string& n : numbers(events)) publish_as(s, b, n, "the same");
  s.await([&] { return seen.size() >= events; });
  s.settle_down();
  expect_each_once(s, seen.all(), events, "events with other ids and equal data");
}

// The first of each pair is kept while its copy arrives: then it fails, is given up, or is done.
void copy_while_it_runs(scene& s) {
  constexpr std::size_t pairs = 1500;
  bus& b = s.open();
  std::mutex mutex;
  std::vector<settlement> kept;
  collected<std::string> done;
  auto options = workers(s);
  options.prefetch = 4 * pairs;
  options.park_max = {4 * pairs, 1u << 30};
  const auto sub = b.subscribe(
      "a",
      [&](const delivery& d) {
        if (d.text() == "first" && d.attempt() == 1) {
          const std::lock_guard lock(mutex);
          return kept.push_back(d.defer());
        }
        done.add(d.id());
      },
      options);
  for (const std::string& n : numbers(pairs)) publish_as(s, b, n, "first");
  const auto kept_now = [&] {
    const std::lock_guard lock(mutex);
    return kept.size();
  };
  s.wait_until([&] { return kept_now() == pairs; }, "each first one is in its handler");
  for (const std::string& n : numbers(pairs)) publish_as(s, b, n, "copy");
  s.settle_down();
  s.expect_equal(done.size(), 0u, "copies that are handled while the first one runs");
  for (std::size_t n = 0; n < pairs; ++n) {
    if (n % 4 == 3) kept[n].reject("never");
    else if (n % 4 == 1) kept[n].retry(1ms);
    else kept[n].ack();
  }
  s.await([&] { return ended(sub.counts()) >= 2 * pairs; });
  s.settle_down();
  s.expect_equal(done.size(), pairs / 2,
                 "events that are handled after the first one failed or was given up");
  s.expect_equal(ended(sub.counts()), 2 * pairs, "deliveries that have an end");
}

constexpr row table[] = {
    {19, "of copies one is handled", {}, timing::either, once_each, "dedup"},
    {19,
     "a first attempt that failed is tried again, and its copy is dropped",
     {"retry and backoff"},
     timing::either,
     first_attempt_fails,
     "dedup"},
    {19, "equal data with other ids is handled each time", {}, timing::either, equal_bodies, "dedup"},
    {19,
     "a copy that comes while the first one runs waits, and takes over where that fails or is given up",
     {"retry and backoff", "parking"},
     timing::either,
     copy_while_it_runs,
     "dedup"},
};

}  // namespace

std::span<const row> dedup_rows() { return table; }

}  // namespace postbus::conformance
