// What is too much, where nothing keeps a transport from sending it: row 22.
#include "all_rows.hpp"

#include <postbus/conformance/scene.hpp>

#include <thread>

namespace postbus::conformance {
namespace {

constexpr std::size_t events = 2000, most = 100;

// Nothing ends before everything is here, so that nearly all of it is too much.
void overflows(scene& s, overflow_policy policy) {
  bus& b = s.open({{"bus.threads", "1"}});
  collected<std::string> seen;
  std::atomic<bool> all_here{false};
  std::atomic<std::uint64_t> missed{0};
  subscribe_options options;
  options.overflow = policy;
  options.overflow_max.events = most;
  options.on_notice = [&](const notice& n) {
    if (n.what == notice::overflow) missed += n.missed;
  };
  const auto sub = b.subscribe(
      "a",
      [&](const delivery& d) {
        while (!all_here) std::this_thread::yield();
        seen.add(d.text());
      },
      options);
  for (const std::string& n : numbers(events)) s.publish(b, "a", n);
  const auto taken_on = [&] { return sub.counts().taken_on == events; };
  if (!s.is_virtual()) s.wait_until(taken_on, "everything is taken on");
  all_here = true;
  s.await([&] { return ended(sub.counts()) >= events; });
  s.settle_down();
  const auto got = seen.all();
  s.expect(got.size() >= most && got.size() <= 2 * most,
           "about a hundred events are kept, as overflow_max says; it was " + std::to_string(got.size()));
  s.expect_equal(sub.counts().discarded, events - got.size(), "events that are counted as discarded");
  s.expect_equal(missed.load(), events - got.size(), "events that on_notice told to be missed");
  const auto all = numbers(events);
  if (policy == overflow_policy::discard_newest)
    s.expect(got.size() <= events && std::equal(got.begin(), got.end(), all.begin()),
             "those that came first are kept, in their order");
  else
    s.expect(got.size() >= most && std::equal(got.end() - most, got.end(), all.end() - most),
             "those that came last are kept, in their order");
}

void what_is_too_much(scene& s) {
  if (s.supplied("flow control") == capability_info::how::native)
    s.skip("the transport has flow control, and is never sent for too much");
  overflows(s, overflow_policy::discard_oldest);
  overflows(s, overflow_policy::discard_newest);
}

constexpr row table[] = {
    {22,
     "without flow control what is too much is discarded, as the policy says, counted and told",
     {},
     timing::either,
     what_is_too_much},
};

}  // namespace

std::span<const row> overflow_rows() { return table; }

}  // namespace postbus::conformance
