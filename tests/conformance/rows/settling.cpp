// What is rejected is over, and what takes too long goes to others: row 11. What cannot be read: row 12.
#include "all_rows.hpp"
#include "letters.hpp"

#include <boost/json.hpp>
#include <unistd.h>

namespace postbus::conformance {
namespace {

using namespace std::chrono_literals;

void reject_is_final(scene& s) {
  constexpr std::size_t events = 1000;
  bus& b = s.open();
  collected<std::string> seen;
  subscribe_options options;
  options.group = "g";
  options.backoff = {1ms, 1, 1ms};
  const auto sub = b.subscribe(
      "a",
      [&](const delivery& d) {
        seen.add(d.text());
        throw reject("never");
      },
      options);
  for (const std::string& n : numbers(events)) s.publish(b, "a", n);
  s.await([&] { return sub.counts().dead >= events; });
  s.let_pass(s.is_virtual() ? 1min : 20ms);
  s.settle_down();
  expect_each_once(s, seen.all(), events, "a handler that rejects");
  s.expect_equal(sub.counts().dead, events, "events given up");
}

// Others are there to take the event, and must not.
void slower_than_its_lease(scene& s) {
  bus& b = s.open();
  collected<std::string> seen;
  std::mutex mutex;
  settlement work;
  subscribe_options options;
  options.group = "g";
  options.lease = 1s;
  const auto handle = [&](const delivery& d) {
    const std::lock_guard lock(mutex);
    work = d.defer();
    seen.add(d.text());
  };
  const auto one = b.subscribe("a", handle, options);
  const auto other = b.subscribe("a", handle, options);
  s.publish(b, "a", "x");
  s.wait_until([&] { return seen.size() == 1; }, "a handler takes the event");
  s.let_pass(s.is_virtual() ? 1min : 2500ms);
  const std::lock_guard lock(mutex);
  s.expect_equal(seen.size(), 1u,
                 "handlers started for an event that is worked on for longer than its lease");
  work.extend(1s);
  error_code ec;
  work.ack(ec);
  s.expect(!ec, "the answer counts; it is told: " + ec.message());
  s.settle_down();
  s.expect_equal(one.counts().acked + other.counts().acked, 1u, "events acknowledged");
}

// The first attempt at each event is deferred, and answered only when it is too late.
void too_slow(scene& s) {
  const std::size_t events = s.is_virtual() ? 1500 : 300;
  bus& b = s.open();
  std::vector<settlement> late;
  std::mutex mutex;
  collected<std::string> first, second;
  std::atomic<std::size_t> more{0};
  subscribe_options options;
  options.group = "g";
  options.prefetch = static_cast<unsigned>(events);
  options.handler_timeout = s.is_virtual() ? 1min : 500ms;
  options.backoff = {1ms, 1, 1ms};
  const auto handle = [&](const delivery& d) {
    if (d.attempt() > 2) ++more;
    if (d.attempt() > 1) return second.add(d.text());
    first.add(d.text());
    const std::lock_guard lock(mutex);
    late.push_back(d.defer());
  };
  const auto one = b.subscribe("a", handle, options);
  const auto other = b.subscribe("a", handle, options);
  for (const std::string& n : numbers(events)) s.publish(b, "a", n);
  s.wait_until([&] { return first.size() >= events; }, "each event is taken by a handler");
  s.expect_equal(second.size(), 0u, "second deliveries before the time-out");
  s.let_pass(options.handler_timeout);
  s.await([&] { return second.size() >= events; });
  std::size_t lost = 0, stopped = 0;
  {
    const std::lock_guard lock(mutex);
    for (settlement& answer : late) {
      stopped += answer.stop_requested();
      error_code ec;
      answer.ack(ec);
      lost += ec == error::lease_lost;
    }
    late.clear();
  }
  s.settle_down();
  s.expect_equal(lost, events, "late answers that are told that the lease is lost");
  s.expect_equal(stopped, events, "handlers that were asked to stop");
  expect_each_once(s, first.all(), events, "the first attempts");
  expect_each_once(s, second.all(), events, "the attempts after the time-out");
  s.expect_equal(more.load(), 0u, "deliveries past the second");
}

// By the handler that took the settlement along, at once and when it is over.
void answered_once(scene& s) {
  constexpr std::size_t events = 1500;
  bus& b = s.open();
  std::atomic<std::size_t> refused{0}, seen{0};
  subscribe_options options;
  options.group = "g";
  const auto sub = b.subscribe(
      "a",
      [&](const delivery& d) {
        ++seen;
        settlement answer = d.defer();
        d.text().ends_with('1') ? answer.reject("no") : answer.ack();
        error_code ec;
        answer.retry(std::chrono::nanoseconds(0), ec);
        refused += ec == error::already_settled;
      },
      options);
  for (const std::string& n : numbers(events)) s.publish(b, "a", n);
  s.await([&] { return ended(sub.counts()) >= events; });
  s.settle_down();
  s.expect_equal(refused.load(), events, "second answers that are refused as such");
  s.expect_equal(seen.load(), events, "handlers started for events that were answered");
  s.expect_equal(sub.counts().acked, events - events / 10, "events acknowledged");
  s.expect_equal(sub.counts().dead, events / 10, "events given up");
}

// A second bus that sends nothing but bytes, over the same way.
void undecodable(scene& s) {
  scene::settings shared;
  if (s.has_setting("instance"))
    shared.emplace_back("transport.instance", "\"conformance-" + std::to_string(::getpid()) + "\"");
  scene::settings raw = shared;
  raw.emplace_back("transport.codec", "raw");
  raw.emplace_back("transport.content_type", "\"text/plain\"");
  bus& reads = s.open(shared);
  if (!s.reach_each_other(reads, s.open(shared))) s.skip("what a second bus sends does not arrive here");
  bus& garbles = s.open(raw);
  constexpr std::size_t events = 1500;
  constexpr std::string_view garbled = "\xc1 is no event";
  const std::string topic = own_name(s, reads, "conformance:undecodable");
  collected<std::string> seen;
  const auto sub = reads.subscribe(topic, [&](const delivery& d) { seen.add(d.text()); });
  for (const std::string& n : numbers(events)) {
    s.publish(garbles, topic, garbled);
    s.publish(reads, topic, n);
  }
  s.await([&] { return seen.size() >= events && (seen.size() > events || sub.counts().dead >= events); });
  s.settle_down();
  const auto all = seen.all();
  if (std::find(all.begin(), all.end(), garbled) != all.end())
    s.skip("the transport carries events, not bytes: there is nothing on it that cannot be decoded");
  expect_each_once(s, all, events, "a subscription that gets what it cannot decode too");
  s.expect_equal(sub.counts().dead, events, "events given up because they cannot be decoded");
  if (s.supplied("dead letters") == capability_info::how::refused) return;
  std::size_t kept = 0;
  for (const auto& letter : letters(s, reads, topic))
    kept += letter.at("reason") == "undecodable" && letter.at("bytes") == garbled.size();
  s.expect_equal(kept, events, "messages that cannot be decoded and are kept as they came");
}

constexpr row table[] = {
    {11, "what is rejected never comes again", {"groups"}, timing::either, reject_is_final},
    {11,
     "a handler that takes too long loses its event to others, and its late answer is refused",
     {"groups", "handler time-out"},
     timing::either,
     too_slow},
    {11,
     "a handler that takes longer than the lease runs once, and its answer counts",
     {"groups", "delivery lease"},
     timing::either,
     slower_than_its_lease},
    {11, "a delivery is answered once", {"groups"}, timing::either, answered_once},
    {12,
     "what cannot be decoded is given up, and what comes behind it arrives",
     {},
     timing::either,
     undecodable},
};

}  // namespace

std::span<const row> settling_rows() { return table; }

}  // namespace postbus::conformance
