// What fails comes again, counted and not at once: rows 7, 8.
#include "all_rows.hpp"

#include <postbus/conformance/scene.hpp>

#include <map>
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
  constexpr std::size_t events = 1000;
  subscribe_options options;
  options.group = "g";
  options.prefetch = events;
  options.backoff = {1h, 1, 1h};
  std::atomic<std::size_t> first{0}, second{0}, third{0};
  auto failing = b.subscribe(
      "a",
      [&](const delivery& d) {
        first += d.attempt() == 1;
        throw retry(1h);
      },
      options);
  for (const std::string& n : numbers(events)) s.publish(b, "a", n);
  s.wait_until([&] { return failing.counts().retried == events; },
               "the first member has failed a thousand times");
  failing.unsubscribe();
  auto next = b.subscribe(
      "a",
      [&](const delivery& d) {
        second += d.attempt() == 2;
        if (d.text().ends_with('9')) throw retry(1h);
      },
      options);
  const auto seen = [&] { return next.counts().acked + next.counts().retried; };
  s.await([&] { return seen() >= events; });
  next.unsubscribe();
  const auto last = b.subscribe(
      "a", [&](const delivery& d) { third += d.attempt() == 3; }, options);
  s.await([&] { return last.counts().acked >= events / 10; });
  s.settle_down();
  s.expect_equal(first.load(), events, "events that count 1 at the first member");
  s.expect_equal(second.load(), events,
                 "events that count 2 at the member that gets them after a failed attempt");
  s.expect_equal(third.load(), events / 10, "events that count 3 at the member after that");
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
  options.prefetch = 256;
  constexpr unsigned events = 150;
  std::atomic<unsigned> started{0}, right{0}, done{0};
  {
    auto first = b.subscribe(
        "a", [](const delivery&) {}, options);
    first.unsubscribe();  // the group exists from now on
    const busy_worker busy(s, b);
    for (unsigned n = 0; n < events; ++n) s.publish(b, "a", "x");
    for (int drain = 0; drain < 10; ++drain) {
      auto member = b.subscribe(
          "a", [&](const delivery&) { ++started; }, options);
      const auto taken = [&] { return member.counts().taken_on == events; };
      if (s.is_virtual()) s.require(taken(), "a new member of the group takes all events on");
      else s.wait_until(taken, "a new member of the group takes all events on");
      member.unsubscribe();
      s.wait_until([&] { return member.counts().given_back == events; },
                   "a member that started none has given back");
    }
  }
  const auto last = b.subscribe(
      "a",
      [&](const delivery& d) {
        right += d.attempt() == 1;
        ++done;
      },
      options);
  s.wait_until([&] { return done == events; }, "each event is delivered after ten drains");
  s.expect_equal(started.load(), 0u, "handlers started by members that were to start none");
  s.expect_equal(right.load(), events,
                 "events that count 1 after ten members returned them without starting them");
}

void backoff_keeps_its_times(scene& s) {
  bus& b = s.open();
  collected<std::int64_t> times;
  subscribe_options options;
  options.backoff = {100ms, 2, 10s};
  const auto sub = b.subscribe(
      "a",
      [&](const delivery& d) {
        times.add(s.now().count());
        if (d.text() == "after" && d.attempt() == 1) throw retry(250ms);
        if (d.text() == "backoff" && d.attempt() < 4) throw std::runtime_error("not yet");
      },
      options);
  s.publish(b, "a", "backoff");
  s.wait_until([&] { return sub.counts().acked == 1; }, "the fourth attempt is acknowledged");
  std::vector<std::int64_t> at = times.all();
  s.require(at.size() == 4, "an event that fails three times is delivered four times");
  std::int64_t most = 100'000'000;
  for (std::size_t i = 1; i < 4 && s.is_virtual(); ++i, most *= 2)
    s.expect(at[i] - at[i - 1] <= most, "retry " + std::to_string(i) + " comes within " +
                                            std::to_string(most) + " ns; it took " +
                                            std::to_string(at[i] - at[i - 1]));
  s.publish(b, "a", "after");
  s.wait_until([&] { return sub.counts().acked == 2; }, "an event is retried after 250 ms");
  at = times.all();
  s.require(at.size() == 6, "an event that fails once is delivered twice");
  const std::int64_t waited = at[5] - at[4];
  // Real time has no upper bound that holds on every machine.
  s.expect(s.is_virtual() ? waited == 250'000'000 : waited >= 200'000'000,
           "retry(250ms) comes after 250 ms; it took " + std::to_string(waited) + " ns");
}

void a_thousand_retries(scene& s) {
  constexpr std::size_t events = 1000;
  const std::chrono::nanoseconds after = s.is_virtual() ? 250ms : 50ms;
  bus& b = s.open();
  std::map<std::string, std::vector<std::int64_t>> at;
  std::mutex mutex;
  subscribe_options options;
  options.group = s.supplied("groups") == capability_info::how::refused ? "" : "g";
  options.prefetch = events;
  const auto sub = b.subscribe(
      "a",
      [&](const delivery& d) {
        {
          const std::lock_guard lock(mutex);
          at[std::string(d.text())].push_back(s.now().count());
        }
        if (d.attempt() < 3) throw retry(after);
      },
      options);
  for (const std::string& n : numbers(events)) s.publish(b, "a", n);
  s.await([&] { return sub.counts().acked >= events; });
  s.settle_down();
  const std::lock_guard lock(mutex);
  std::size_t wrong_count = 0, early = 0, late = 0;
  for (const auto& [text, times] : at) {
    wrong_count += times.size() != 3;
    for (std::size_t i = 1; i < times.size(); ++i) {
      early += times[i] - times[i - 1] < after.count();
      late += s.is_virtual() && times[i] - times[i - 1] > after.count();
    }
  }
  s.expect_equal(at.size(), events, "events that arrive");
  s.expect_equal(wrong_count, 0u, "events that fail twice and are not delivered three times");
  s.expect_equal(early, 0u, "retries that came before their time");
  s.expect_equal(late, 0u, "retries that came after it, on a clock that stands still meanwhile");
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
    {8,
     "of two thousand retries each comes at its time",
     {"retry and backoff"},
     timing::either,
     a_thousand_retries},
};

}  // namespace

std::span<const row> retry_rows() { return table; }

}  // namespace postbus::conformance
