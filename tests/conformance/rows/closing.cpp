// The end of a bus: rows 24, 25.
#include "all_rows.hpp"

#include <postbus/conformance/scene.hpp>

#include <thread>

namespace postbus::conformance {
namespace {

using namespace std::chrono_literals;

// close() has begun when a publish from outside is refused.
void wait_for_close(bus& b) {
  error_code ec;
  while (ec != error::closed) b.publish("elsewhere", "x", {}, ec);
}

constexpr std::uint64_t events = 1500;

void drain(scene& s) {
  bus& b = s.open();
  std::atomic<int> calls{0};
  std::atomic<bool> closing{false};
  error_code published;
  subscribe_options options;
  options.group = "g";
  options.prefetch = events;
  const auto sub = b.subscribe(
      "a",
      [&](const delivery& d) {
        if (++calls > 1) return;
        while (!closing) std::this_thread::yield();
        for (std::uint64_t n = 0; n < events && !published; ++n)
          d.publish("from:inside", "the handler has something to say", {}, published);
      },
      options);
  for (std::uint64_t n = 0; n < events; ++n) s.publish(b, "a", std::to_string(n));
  s.wait_until([&] { return calls == 1; }, "the first handler runs");
  const std::jthread later([&] {
    wait_for_close(b);
    closing = true;
  });
  const close_report report = b.close();
  const delivery_counts total = report.total();
  s.expect(report.clean, "a close whose handlers end in time is clean");
  s.expect(!published, "a handler may publish while its bus closes; it was answered: " + published.message());
  s.expect_equal(total.acked, static_cast<std::uint64_t>(calls), "handlers that ended and were acknowledged");
  s.expect_equal(total.dead, 0u, "events given up by closing");
  s.expect_equal(total.abandoned, 0u, "deliveries abandoned");
  s.expect(total.given_back > 0, "what was not started is given back");
  s.expect_equal(ended(total), total.taken_on, "deliveries with an end");
}

void deadline_is_honoured(scene& s) {
  bus& b = s.open();
  const auto state = std::make_shared<std::pair<std::atomic<bool>, std::atomic<bool>>>();
  const auto sub = b.subscribe("a", [state](const delivery&) {
    state->first = true;
    while (!state->second) std::this_thread::yield();
  });
  s.publish(b, "a", "x");
  s.wait_until([&] { return state->first.load(); }, "a handler runs that will not end");
  const close_report report = b.close(10ms, 10ms);  // that it returns is the proof: the handler still runs
  s.expect(!report.clean, "a close past its deadline is not clean");
  s.expect_equal(report.total().abandoned, 1u, "deliveries abandoned");
  s.expect_equal(ended(report.total()), report.total().taken_on, "deliveries with an end");
  state->second = true;
}

void twice(scene& s) {
  bus& b = s.open();
  std::atomic<int> calls{0};
  const auto sub = b.subscribe("a", [&](const delivery&) { ++calls; });
  for (int n = 0; n < 10; ++n) s.publish(b, "a", "x");
  s.wait_until([&] { return calls >= 10; }, "ten events arrive");
  const close_report first = b.close(), second = b.close();
  s.expect(first.clean, "closing an idle bus is clean");
  s.expect_equal(first.published, 10u, "events published");
  s.expect_equal(first.subscriptions.size(), 1u, "subscriptions in the report");
  s.expect_equal(first.total().acked, 10u, "events acknowledged");
  s.expect_equal(second.total().acked, 10u, "events acknowledged, in the report of the second close");
}

void publish_after_close(scene& s) {
  bus& b = s.open();
  b.close();
  const std::string closed = make_error_code(error::closed).message();
  std::uint64_t refused = 0;
  for (std::uint64_t n = 0; n < events; ++n) refused += s.try_publish(b, "a", "x") == error::closed;
  s.expect_equal(refused, events, "publishes that are refused because the bus is closed");
  const message batch[] = {{"a", "x"}};
  s.expect_equal(b.publish(batch)[0].ec.message(), closed, "the answer for an event of a batch");
  try {
    const auto sub = b.subscribe("a", [](const delivery&) {});
    s.fail("expected that subscribing to a closed bus is refused");
  } catch (const error& e) {
    s.expect_equal(e.code().message(), closed, "the answer to subscribe");
  }
}

void with_full_queues(scene& s) {
  bus& b = s.open();
  subscribe_options options;
  options.group = "g";
  options.prefetch = events;
  std::atomic<bool> blocked{true};
  std::atomic<std::uint64_t> calls{0};
  const auto sub = b.subscribe(
      "a",
      [&](const delivery&) {
        ++calls;
        while (blocked) std::this_thread::yield();
      },
      options);
  for (const std::string& n : numbers(events)) s.publish(b, "a", n);
  s.wait_until([&] { return calls == 1; }, "the first handler runs");
  const std::jthread later([&] {
    wait_for_close(b);
    blocked = false;
  });
  const close_report report = b.close();
  s.expect(report.clean, "a close with full queues is clean");
  const delivery_counts total = report.total();
  s.expect_equal(ended(total), total.taken_on, "deliveries with an end");
  s.expect_equal(total.acked, calls.load(), "handlers that ended");
  s.expect(total.given_back > 0, "what was not started is given back");
}

void with_an_answer_owed(scene& s) {
  bus& b = s.open();
  subscribe_options options;
  options.group = "g";
  settlement owed;
  std::atomic<bool> taken{false};
  const auto sub = b.subscribe(
      "a",
      [&](const delivery& d) {
        owed = d.defer();
        taken = true;
      },
      options);
  s.publish(b, "a", "x");
  s.wait_until([&] { return taken.load(); }, "a handler has taken its settlement along");
  const std::jthread later([&] {
    wait_for_close(b);
    owed.ack();
  });
  const close_report report = b.close();
  s.expect(report.clean, "a close that waits for an answer is clean");
  s.expect_equal(report.total().acked, 1u, "events acknowledged");
}

void ends_all_subscriptions(scene& s) {
  bus& b = s.open();
  std::vector<subscription> all;
  std::atomic<std::uint64_t> calls{0};
  for (std::uint64_t n = 0; n < events; ++n)
    all.push_back(b.subscribe("a", [&](const delivery&) { ++calls; }));
  s.publish(b, "a", "x");
  s.await([&] { return calls >= events; });
  const close_report report = b.close();
  s.expect(report.clean, "a close that ends fifteen hundred subscriptions is clean");
  s.expect_equal(report.total().acked, events, "events acknowledged by all of them, each one");
}

void before_anything(scene& s) {
  bus& b = s.open();
  const close_report report = b.close();
  s.expect(report.clean && report.subscriptions.empty() && report.published == 0,
           "a bus that did nothing reports nothing");
}

constexpr row table[] = {
    {24,
     "on close handlers finish and may publish, what was not started is given back, and the report adds up",
     {"groups"},
     timing::real,
     drain},
    {24,
     "close does not wait past its deadline, and counts what it abandons",
     {},
     timing::real,
     deadline_is_honoured},
    {25, "closing twice gives the same report", {}, timing::either, twice},
    {25, "close ends every subscription", {}, timing::either, ends_all_subscriptions},
    {25, "after close a publish is refused", {}, timing::either, publish_after_close},
    {25, "a bus that did nothing can be closed", {}, timing::either, before_anything},
    {25,
     "close with full queues gives back or reports everything",
     {"groups"},
     timing::real,
     with_full_queues},
    {25, "close waits for an answer that is still owed", {"groups"}, timing::real, with_an_answer_owed},
};

}  // namespace

std::span<const row> close_rows() { return table; }

}  // namespace postbus::conformance
