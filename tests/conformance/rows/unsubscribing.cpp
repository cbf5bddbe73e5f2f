// The end of a subscription: row 23.
#include "all_rows.hpp"

#include <postbus/conformance/scene.hpp>

#include <thread>

namespace postbus::conformance {
namespace {

void one_of_two(scene& s) {
  bus& b = s.open();
  std::atomic<int> stays{0}, goes{0};
  const auto other = b.subscribe("news", [&](const delivery&) { ++stays; });
  auto one = b.subscribe("news", [&](const delivery&) { ++goes; });
  const std::jthread publisher([&](const std::stop_token& stop) {
    error_code ec;
    while (!stop.stop_requested()) b.publish("news", "x", {}, ec);
  });
  s.wait_until([&] { return goes > 100; }, "both subscriptions get events");
  one.unsubscribe();
  const int at_the_end = goes, before = stays;
  s.wait_until([&] { return stays > before + 100; }, "the other subscription goes on");
  s.expect_equal(goes.load(), at_the_end, "handlers started, counted when unsubscribe returned and later");
}

void none_after_the_end(scene& s) {
  bus& b = s.open();
  collected<std::string> stays, goes;
  const auto other = b.subscribe("news", [&](const delivery& d) { stays.add(d.text()); });
  auto one = b.subscribe("news", [&](const delivery& d) { goes.add(d.text()); });
  s.publish(b, "news", "0");
  s.wait_until([&] { return stays.size() == 1 && goes.size() == 1; }, "both subscriptions get an event");
  one.unsubscribe();
  s.publish(b, "news", "1");
  s.await([&] { return stays.size() >= 2; });
  s.settle_down();
  s.expect_equal(stays.size(), 2u, "events of the subscription that stays");
  s.expect_equal(goes.size(), 1u, "events of the one that ended before the second was published");
}

void by_itself(scene& s) {
  bus& b = s.open();
  std::atomic<int> calls{0};
  constexpr int rounds = 20;
  for (int round = 1; round <= rounds; ++round) {
    subscription sub;
    std::mutex ready;
    std::unique_lock hold(ready);
    sub = b.subscribe("once", [&](const delivery&) {
      const std::lock_guard wait_for_the_handle(ready);
      ++calls;
      sub.unsubscribe();
    });
    hold.unlock();
    for (int n = 0; n < 100; ++n) s.publish(b, "once", "x");
    s.wait_until([&] { return calls >= round; }, "the handler runs once");
    s.settle_down();
  }
  const delivery_counts total = b.close().total();
  s.expect_equal(calls.load(), rounds, "calls of twenty handlers that unsubscribe themselves in the first");
  s.expect_equal(ended(total), total.taken_on, "deliveries with an end");
}

void the_rest_goes_to_others(scene& s) {
  s.need_own("acknowledgement");
  constexpr std::size_t events = 1500;
  bus& b = s.open();
  subscribe_options options;
  options.group = "workers";
  options.prefetch = 1200;
  std::atomic<bool> blocked{true};
  std::atomic<int> first_calls{0};
  collected<std::string> done;
  auto first = b.subscribe(
      "jobs",
      [&](const delivery& d) {
        ++first_calls;
        while (blocked) std::this_thread::yield();
        done.add(d.text());
      },
      options);
  for (const std::string& n : numbers(events)) s.publish(b, "jobs", n);
  s.wait_until([&] { return first_calls == 1; }, "the first member has begun");
  const auto second = b.subscribe(
      "jobs", [&](const delivery& d) { done.add(d.text()); }, options);
  // From here on no handler of the first member starts; the one that runs has to be let go.
  std::atomic<bool> gone{false};
  first.async_unsubscribe([&](const error_code&) { gone = true; });
  blocked = false;
  s.wait_until([&] { return gone.load(); }, "the first member is gone");
  s.wait_until([&] { return done.size() >= events; }, "the second member gets what the first had not begun");
  s.settle_down();
  expect_each_once(s, done.all(), events, "a group whose first member left");
}

constexpr row table[] = {
    {23,
     "unsubscribing one of two leaves the other, and no handler starts afterwards",
     {},
     timing::real,
     one_of_two},
    {23,
     "what is published after unsubscribe returned does not come",
     {},
     timing::either,
     none_after_the_end},
    {23, "a handler may unsubscribe itself", {}, timing::either, by_itself},
    {23,
     "what a member of a group had not started goes to the others",
     {"groups", "acknowledgement"},
     timing::real,
     the_rest_goes_to_others},
};

}  // namespace

std::span<const row> unsubscribe_rows() { return table; }

}  // namespace postbus::conformance
