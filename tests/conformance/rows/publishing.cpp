// Batches, and what happens to who publishes more than is taken: rows 20, 22.
#include "all_rows.hpp"

#include <postbus/conformance/scene.hpp>

namespace postbus::conformance {
namespace {

void batch_is_answered(scene& s) {
  bus& b = s.open({{"transport.data_max", "1KiB"}});
  collected<std::string> got;
  const auto sub = b.subscribe("batch", [&](const delivery& d) { got.add(d.text()); });
  const std::string too_much(1025, 'x');
  const message mixed[] = {{"batch", "0"}, {"batch", "1"},    {"batch", too_much},
                           {"batch", "2"}, {"no topic", "x"}, {"batch", "3"}};
  const auto answers = b.publish(mixed);
  s.require(answers.size() == std::size(mixed), "a batch has an answer for each event");
  const error_code expected[] = {{}, {}, error::too_large, {}, error::bad_argument, {}};
  for (std::size_t i = 0; i < answers.size(); ++i)
    s.expect_equal(answers[i].ec.message(), expected[i].message(),
                   "the answer for event " + std::to_string(i) + " of the batch");
  s.wait_until([&] { return got.size() >= 4; }, "the good ones of the batch arrive");
  s.settle_down();
  s.expect(got.all() == numbers(4), "a batch arrives in its order, without what was refused");
}

void large_batch(scene& s) {
  constexpr std::size_t events = 1000;
  bus& b = s.open();
  collected<std::string> got;
  const auto sub = b.subscribe("batch", [&](const delivery& d) { got.add(d.text()); });
  const auto texts = numbers(events);
  std::vector<message> batch;
  for (const std::string& text : texts) {
    batch.push_back({"no topic", text});
    batch.push_back({"batch", text});
  }
  std::size_t refused = 0, taken = 0;
  for (const publish_result& answer : b.publish(batch)) {
    taken += !answer.ec;
    refused += answer.ec == error::bad_argument;
  }
  s.expect_equal(taken, events, "good events of a large batch that were confirmed");
  s.expect_equal(refused, events, "bad ones that were refused");
  s.await([&] { return got.size() >= events; });
  s.settle_down();
  expect_each_once(s, got.all(), events, "the subscriber of a batch");
  s.expect(got.all() == texts, "the good ones of a large batch arrive in their order");
}

void prefetch_bounds(scene& s) {
  s.need_own("flow control");
  constexpr std::size_t events = 1500, prefetch = 4;
  bus& b = s.open();
  std::vector<settlement> held;
  std::size_t most = 0;
  std::mutex mutex;
  const auto holding = [&] {
    const std::lock_guard lock(mutex);
    return held.size();
  };
  subscribe_options options;
  options.group = "slow";
  options.prefetch = prefetch;
  const auto slow = b.subscribe(
      "a",
      [&](const delivery& d) {
        const std::lock_guard lock(mutex);
        held.push_back(d.defer());
        most = std::max(most, held.size());
      },
      options);
  collected<std::string> got;
  const auto quick = b.subscribe("a", [&](const delivery& d) { got.add(d.text()); });
  for (const std::string& n : numbers(events)) s.publish(b, "a", n);
  s.wait_until([&] { return got.size() >= events; },
               "a quick subscription gets everything while a slow one settles nothing");
  s.wait_until([&] { return holding() >= prefetch; }, "the slow one has as many as it may");
  s.settle_down();
  s.expect_equal(holding(), prefetch, "unsettled deliveries of a subscription with a prefetch of 4");
  s.expect_equal(slow.counts().taken_on, prefetch, "deliveries that the transport handed over");
  // Each answer makes room for one more.
  for (std::size_t answered = 0; answered < events; ++answered) {
    s.wait_until([&] { return holding() > 0; }, "a delivery takes the place of one that was settled");
    settlement one;
    {
      const std::lock_guard lock(mutex);
      one = std::move(held.back());
      held.pop_back();
    }
    one.ack();
  }
  s.wait_until([&] { return slow.counts().acked == events; }, "the slow one has settled everything");
  s.settle_down();
  s.expect_equal(most, prefetch, "unsettled deliveries at most, while each answer made room for one more");
  for (std::size_t n = 0; n < 2 * prefetch; ++n) s.publish(b, "a", "after the others");
  s.await([&] { return holding() >= prefetch; });
  s.settle_down();
  s.expect_equal(holding(), prefetch, "unsettled deliveries after fifteen hundred answers");
}

void flood_is_refused(scene& s) {
  s.need_own("flow control");
  if (!s.has_setting("queue_max"))
    s.skip("the transport has no setting 'queue_max' to bound its memory with");
  constexpr std::size_t queue_max = 100, flood = 10'000;
  bus& b = s.open({{"transport.queue_max", std::to_string(queue_max)}});
  collected<std::string> got;
  std::vector<settlement> held;
  std::mutex mutex;
  std::atomic<bool> hold{true};
  subscribe_options options;
  options.group = "slow";
  options.prefetch = 1;
  const auto slow = b.subscribe(
      "a",
      [&](const delivery& d) {
        got.add(d.text());
        if (!hold) return;
        const std::lock_guard lock(mutex);
        held.push_back(d.defer());
      },
      options);
  std::size_t taken = 0;
  error_code ec;
  for (; taken < flood; ++taken) {
    ec = s.try_publish(b, "a", std::to_string(taken));
    if (ec) break;
  }
  s.expect(taken < flood, "publishes past queue_max are refused; 10,000 were taken");
  s.expect_equal(ec.message(), make_error_code(error::full).message(), "the answer for one too many");
  s.expect(taken >= queue_max && taken <= 2 * queue_max + 2,
           "about queue_max (100) events are taken; it was " + std::to_string(taken));
  // While it is full it stays so; in real time each refusal waits a moment first.
  for (int more = s.is_virtual() ? 1500 : 2; more > 0 && ec; --more)
    ec = s.try_publish(b, "a", "one too many");
  s.expect_equal(ec.message(), make_error_code(error::full).message(), "the answer while there is no room");
  hold = false;
  {
    const std::lock_guard lock(mutex);
    for (settlement& one : held) one.ack();
    held.clear();
  }
  s.await([&] { return got.size() >= taken; });
  s.settle_down();
  expect_each_once(s, got.all(), taken, "what was confirmed while the queue filled up");
}

constexpr row table[] = {
    {20,
     "a batch has an answer per event, and a bad one does not stop those behind it",
     {},
     timing::either,
     batch_is_answered},
    {20, "of a batch of two thousand the good ones arrive, in their order", {}, timing::either, large_batch},
    {22,
     "a subscription has no more unsettled than its prefetch, and stops no other",
     {"groups", "flow control"},
     timing::either,
     prefetch_bounds},
    {22,
     "a flood is refused past queue_max, and what was confirmed arrives",
     {"groups", "flow control"},
     timing::either,
     flood_is_refused},
};

}  // namespace

std::span<const row> publish_rows() { return table; }

}  // namespace postbus::conformance
