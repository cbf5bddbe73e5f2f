// What fails comes again, counted and not at once: rows 7, 8.
#include "all_rows.hpp"

#include <postbus/conformance/scene.hpp>

#include <thread>

namespace postbus::conformance {
namespace {

using namespace std::chrono_literals;

void counts_up(scene& s) {
  bus& b = s.open();
  collected<unsigned> attempts;
  subscribe_options options;
  options.backoff = {1ms, 1, 1ms};
  const auto sub = b.subscribe(
      "a",
      [&](const delivery& d) {
        attempts.add(d.attempt());
        if (d.attempt() < 3) throw retry();
      },
      options);
  s.publish(b, "a", "x");
  s.wait_until([&] { return sub.counts().acked == 1; }, "the third attempt is acknowledged");
  s.settle_down();
  s.expect(attempts.all() == std::vector{1u, 2u, 3u},
           "an event that fails twice is delivered three times, "
           "and its deliveries count 1, 2, 3");
}

// The failed attempt goes to the transport, which has to tell it to whoever gets the event next.
void counts_for_the_next_one(scene& s) {
  s.need_own("acknowledgement");
  bus& b = s.open();
  subscribe_options options;
  options.group = "g";
  options.backoff = {1h, 1, 1h};
  std::atomic<unsigned> first{0}, second{0};
  auto failing = b.subscribe(
      "a",
      [&](const delivery& d) {
        first = d.attempt();
        throw retry(1h);
      },
      options);
  s.publish(b, "a", "x");
  s.wait_until([&] { return failing.counts().retried == 1; }, "the first member has failed");
  failing.unsubscribe();
  const auto next = b.subscribe(
      "a", [&](const delivery& d) { second = d.attempt(); }, options);
  s.wait_until([&] { return next.counts().acked == 1; }, "the next member gets what the first one gave up");
  s.expect_equal(first.load(), 1u, "the count at the first member");
  s.expect_equal(second.load(), 2u, "the count at the member that gets the event after a failed attempt");
}

// Holds the only worker of a bus inside a handler, so that nothing else starts, until it is let go.
class busy_worker {
 public:
  busy_worker(scene& s, bus& b)
      : held_(b.subscribe("conformance:busy", [this](const delivery&) {
          held_up_ = true;
          while (!let_go_) std::this_thread::yield();
        })) {
    if (s.is_virtual()) return;  // nothing starts by itself
    s.publish(b, "conformance:busy", "");
    s.wait_until([&] { return held_up_.load(); }, "the worker is busy");
  }
  ~busy_worker() { let_go_ = true; }

 private:
  std::atomic<bool> held_up_{false}, let_go_{false};
  subscription held_;
};

void drains_do_not_count(scene& s) {
  s.need_own("acknowledgement");
  bus& b = s.open({{"bus.threads", "1"}});
  subscribe_options options;
  options.group = "g";
  unsigned started = 0, attempt = 0;
  std::atomic<bool> done{false};
  {
    auto first = b.subscribe(
        "a", [](const delivery&) {}, options);
    first.unsubscribe();  // the group exists from now on
    const busy_worker busy(s, b);
    s.publish(b, "a", "x");
    for (int drain = 0; drain < 10; ++drain) {
      auto member = b.subscribe(
          "a", [&](const delivery&) { ++started; }, options);
      const auto taken = [&] { return member.counts().taken_on == 1; };
      if (s.is_virtual()) s.require(taken(), "a new member of the group takes the event on");
      else s.wait_until(taken, "a new member of the group takes the event on");
      member.unsubscribe();
      s.wait_until([&] { return member.counts().given_back == 1; },
                   "a member that started none has given back");
    }
  }
  const auto last = b.subscribe(
      "a",
      [&](const delivery& d) {
        attempt = d.attempt();
        done = true;
      },
      options);
  s.wait_until([&] { return done.load(); }, "the event is delivered after ten drains");
  s.expect_equal(started, 0u, "handlers started by members that were to start none");
  s.expect_equal(attempt, 1u, "the count of an event that ten members returned without starting it");
}

void backoff_keeps_its_times(scene& s) {
  bus& b = s.open();
  std::vector<std::int64_t> at;
  std::mutex mutex;
  subscribe_options options;
  options.backoff = {100ms, 2, 10s};
  const auto sub = b.subscribe(
      "a",
      [&](const delivery& d) {
        {
          const std::lock_guard lock(mutex);
          at.push_back(s.now().count());
        }
        if (d.text() == "after" && d.attempt() == 1) throw retry(250ms);
        if (d.text() == "backoff" && d.attempt() < 4) throw std::runtime_error("not yet");
      },
      options);
  s.publish(b, "a", "backoff");
  s.wait_until([&] { return sub.counts().acked == 1; }, "the fourth attempt is acknowledged");
  s.require(at.size() == 4, "an event that fails three times is delivered four times");
  std::int64_t most = 100'000'000;
  for (std::size_t i = 1; i < 4 && s.is_virtual(); ++i, most *= 2)
    s.expect(at[i] - at[i - 1] <= most, "retry " + std::to_string(i) + " comes within " +
                                            std::to_string(most) + " ns; it took " +
                                            std::to_string(at[i] - at[i - 1]));
  at.clear();
  s.publish(b, "a", "after");
  s.wait_until([&] { return sub.counts().acked == 2; }, "an event is retried after 250 ms");
  s.require(at.size() == 2, "an event that fails once is delivered twice");
  const std::int64_t waited = at[1] - at[0];
  // Real time has no upper bound that holds on every machine.
  s.expect(s.is_virtual() ? waited == 250'000'000 : waited >= 200'000'000,
           "retry(250ms) comes after 250 ms; it took " + std::to_string(waited) + " ns");
}

constexpr row table[] = {
    {7,
     "an event that fails is delivered again, and its deliveries count 1, 2, 3",
     {"retry and backoff"},
     timing::either,
     counts_up},
    {7,
     "an attempt that failed counts for the member that gets the event next",
     {"groups", "acknowledgement"},
     timing::either,
     counts_for_the_next_one},
    {7,
     "an event that ten members return unstarted is still at its first delivery",
     {"groups", "acknowledgement"},
     timing::either,
     drains_do_not_count},
    {8, "retries come when the backoff says", {"retry and backoff"}, timing::either, backoff_keeps_its_times},
};

}  // namespace

std::span<const row> retry_rows() { return table; }

}  // namespace postbus::conformance
