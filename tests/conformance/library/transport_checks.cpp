// A transport without a bus: what a bus would hide, because it is careful itself or never asks for it.
#include "driver.hpp"
#include "tables.hpp"

#include <thread>

namespace postbus::conformance {
namespace {

using testing::recording_sink;

// Until `n` events are there, or they will not come.
bool arrives(driver& d, const recording_sink& sink, std::size_t n) {
  const auto end = std::chrono::steady_clock::now() + d.patience();
  while (sink.deliveries().size() < n && std::chrono::steady_clock::now() < end) {
    d.clock().run_until_idle();
    std::this_thread::yield();
  }
  return sink.deliveries().size() >= n;
}

testing::answer send(driver& d, std::size_t n) {
  const auto batch = numbered_events(n);
  return d.publish(std::span(batch));
}

void end(driver& d, const testing::answer& subscribed) {
  if (d.expect_ok(d.quiesce(subscribed.pointer()), "quiesce"))
    d.expect_ok(d.unsubscribe(subscribed.pointer()), "unsubscribe");
}

void batches(const library_under_test& l, findings& f) {
  for_each_transport(l, [&](const plugin_info& p) {
    recording_sink sink;
    driver d(l, p, f);
    d.start_up();
    const auto subscribed = d.subscribe("conformance:check", sink, {.credit = d.first_credit(5000)});
    if (!d.expect_ok(subscribed, "subscribe")) return;
    std::size_t sent = 0;
    for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{1000}}) {
      const auto batch = numbered_events(n);
      const auto published = d.publish(std::span(batch));
      if (!d.expect_ok(published, "publish")) return;
      std::size_t refused = 0;
      for (const std::int32_t status : published.statuses()) refused += status != POSTBUS_OK;
      f.expect(refused == 0, "expected that a batch of " + std::to_string(n) + " is confirmed; " +
                                 std::to_string(refused) + " of them were not");
      sent += n;
      f.expect(arrives(d, sink, sent), "expected that a batch of " + std::to_string(n) +
                                           " arrives whole; of all there were to come (" +
                                           std::to_string(sent) + ") " +
                                           std::to_string(sink.deliveries().size()) + " did");
    }
    f.expect(sink.deliveries().size() <= sent, "expected no event twice");
    end(d, subscribed);
    d.shut_down();
  });
}

// The sink finds what comes after the end; the host, what comes beyond the credit.
void quiet_after_the_end(const library_under_test& l, findings& f) {
  for_each_transport(l, [&](const plugin_info& p) {
    recording_sink sink, other;
    driver d(l, p, f);
    d.start_up();
    const auto ends = d.subscribe("conformance:check", sink, {.credit = d.first_credit(2)});
    const auto stays = d.subscribe("conformance:check", other, {.credit = d.first_credit(100)});
    if (!d.expect_ok(ends, "subscribe") || !d.expect_ok(stays, "subscribe")) return;
    d.expect_ok(send(d, 4), "publish");
    f.expect(arrives(d, other, 4), "expected that four events arrive where there is credit for them");
    d.more_credit(ends.pointer(),
                  10);  // more than it will use: what still came would not be held up by a want of it
    f.expect(arrives(d, sink, 4), "expected that what waited for credit arrives when there is some");
    end(d, ends);
    d.expect_ok(send(d, 4), "publish");
    f.expect(arrives(d, other, 8), "expected that a subscription goes on when another one ends");
    end(d, stays);
    d.shut_down();
  });
}

void eight_threads(const library_under_test& l, findings& f) {
  constexpr std::size_t threads = 8, each = 500;
  for_each_transport(l, [&](const plugin_info& p) {
    recording_sink sink;
    driver d(l, p, f);
    d.start_up();
    const auto subscribed = d.subscribe("conformance:check", sink, {.credit = d.first_credit(1)});
    if (!d.expect_ok(subscribed, "subscribe")) return;
    std::atomic<std::size_t> confirmed{0};
    std::vector<std::jthread> all;
    for (std::size_t t = 0; t < threads; ++t)
      all.emplace_back([&] {
        const auto one = numbered_events(1);
        for (std::size_t i = 0; i < each; ++i) {
          const auto published = d.publish(std::span(one));
          d.more_credit(subscribed.pointer(), 1);
          if (d.answered(published) && published && published.statuses().front() == POSTBUS_OK) ++confirmed;
        }
      });
    all.clear();
    f.expect(confirmed == threads * each,
             "expected that publishes from eight threads at once are confirmed; " +
                 std::to_string(confirmed) + " of 4000 were");
    f.expect(arrives(d, sink, confirmed),
             "expected that they arrive; " + std::to_string(sink.deliveries().size()) + " did");
    end(d, subscribed);
    d.shut_down();
  });
}

// Whatever is under way: the fake host finds a call that is answered twice, or not at all, and calls after the end.
void stop_under_load(const library_under_test& l, findings& f) {
  for_each_transport(l, [&](const plugin_info& p) {
    for (int round = 0; round < 20 && f.sentences().empty(); ++round) {
      recording_sink sink;
      driver d(l, p, f);
      d.start_up();
      const auto subscribed = d.subscribe("conformance:check", sink, {.credit = d.first_credit(10)});
      if (!d.expect_ok(subscribed, "subscribe")) return;
      for (int i = 0; i < 50; ++i) send(d, 20);
      end(d, subscribed);
      for (int i = 0; i < 10; ++i) send(d, 20);
      d.shut_down();
    }
  });
}

void no_memory(const library_under_test& l, findings& f) {
  for_each_transport(l, [&](const plugin_info& p) {
    recording_sink sink;
    driver d(l, p, f);
    d.start_up();
    const auto subscribed = d.subscribe("conformance:check", sink, {.credit = d.first_credit(1)});
    if (!d.expect_ok(subscribed, "subscribe")) return;
    d.out_of_memory(true);
    std::size_t confirmed = 0;
    for (int i = 0; i < 10; ++i) {
      const auto published = send(d, 3);
      if (!d.answered(published))
        return f.add("expected an answer to a publish for which the host has no memory; there is none");
      if (!published) continue;
      for (const std::int32_t status : published.statuses()) confirmed += status == POSTBUS_OK;
    }
    d.out_of_memory(false);
    d.more_credit(subscribed.pointer(), 1000);
    f.expect(arrives(d, sink, confirmed), "expected that what was confirmed without memory arrives; of " +
                                              std::to_string(confirmed) + " events " +
                                              std::to_string(sink.deliveries().size()) + " did");
    end(d, subscribed);
    d.shut_down();
    f.expect(d.events().held == 0,
             "expected that no event is held afterwards; " + std::to_string(d.events().held) + " are");
  });
}

// It writes to none, and holds on to those only that it has kept: what is delivered later is theirs.
void lent(const library_under_test& l, findings& f) {
  for_each_transport(l, [&](const plugin_info& p) {
    recording_sink sink;
    driver d(l, p, f);
    d.lend_in_pages(true);
    d.start_up();
    const auto subscribed = d.subscribe("conformance:check", sink, {.credit = d.first_credit(1)});
    if (!d.expect_ok(subscribed, "subscribe")) return;
    for (int i = 0; i < 10; ++i) d.expect_ok(send(d, 10), "publish");
    d.more_credit(subscribed.pointer(), 1000);
    f.expect(arrives(d, sink, 100), "expected that events arrive that were lent to the transport; of 100 " +
                                        std::to_string(sink.deliveries().size()) + " did");
    end(d, subscribed);
    d.shut_down();
  });
}

constexpr library_check table[] = {
    {"batches", "batches of none, of one and of a thousand are answered and arrive", batches},
    {"quiet", "nothing comes beyond the credit, or after a subscription ended", quiet_after_the_end},
    {"threads", "its hot functions are called from eight threads at once", eight_threads},
    {"stop", "stopped under load, each call is answered exactly once", stop_under_load},
    {"memory", "without memory for an event a publish is answered all the same", no_memory},
    {"lent", "it looks at an event while it is lent, and changes nothing of it", lent},
};

}  // namespace

std::span<const library_check> transport_checks() { return table; }

}  // namespace postbus::conformance
