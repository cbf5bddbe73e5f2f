// What is given up is kept, to be looked at, sent back and purged: rows 9, 10.
#include "all_rows.hpp"
#include "letters.hpp"

#include <boost/json.hpp>

#include <set>

namespace postbus::conformance {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

constexpr std::size_t events = 1020;

std::set<std::string> ids_of(const std::vector<json::object>& all) {
  std::set<std::string> ids;
  for (const json::object& letter : all) ids.emplace(letter.at("id").as_string());
  return ids;
}

// Their fractions have as many digits as they need, so only what stands before them can be compared.
std::string_view to_the_second(const json::object& letter, std::string_view name) {
  return std::string_view(letter.at(name).as_string()).substr(0, 19);
}

subscribe_options failing(std::string group) {
  subscribe_options options;
  options.group = std::move(group);
  options.max_deliveries = 2;
  options.dead_letters = dead_letter_policy::keep;  // also where the store was found by the bus itself
  options.backoff = {1ms, 1, 1ms};
  return options;
}

void given_up_after_max(scene& s) {
  bus& b = s.open();
  const std::string bad = own_name(s, b, "bad"), good = own_name(s, b, "good");
  std::atomic<std::size_t> started{0}, fine{0};
  const auto fails = b.subscribe(
      "jobs:*",
      [&](const delivery& d) {
        ++started;
        throw std::runtime_error("no " + std::string(d.text()));
      },
      failing(bad));
  const auto works = b.subscribe(
      "jobs:*", [&](const delivery&) { ++fine; }, failing(good));
  std::set<std::string> ids;
  for (const std::string& n : numbers(events)) ids.insert(s.publish(b, "jobs:1", n).id());
  s.await([&] { return fails.counts().dead >= events && works.counts().acked >= events; });
  s.settle_down();
  s.expect_equal(started.load(), 2 * events, "handlers started, for events with two attempts each");
  s.expect_equal(fine.load(), events, "handlers started by the group that does not fail");
  const auto kept = letters(s, b, bad);
  s.expect_equal(kept.size(), events, "dead letters of the group that failed");
  s.expect(ids_of(kept) == ids, "what is kept has the ids of what was published");
  s.expect_equal(letters(s, b, good).size(), 0u, "dead letters of the other group");
  for (const json::object& l : kept) {
    const bool is_right = l.at("topic") == "jobs:1" && l.at("reason") == "max_deliveries" &&
                          std::string_view(l.at("error").as_string()).starts_with("no ") &&
                          l.at("group") == json::string_view(bad) && l.at("deliveries") == 2 &&
                          to_the_second(l, "firsttime") <= to_the_second(l, "time");
    if (is_right) continue;
    s.fail("expected a dead letter with its topic, reason, error, group, count, first and last time; saw " +
           json::serialize(l));
    return;
  }
}

void listed_requeued_purged(scene& s) {
  bus& b = s.open();
  const std::string box = own_name(s, b, "sent-back");
  std::atomic<bool> fails{true};
  collected<std::string> seen;
  std::atomic<std::size_t> other{0}, late{0};
  const auto worker = b.subscribe(
      "jobs",
      [&](const delivery& d) {
        if (fails) throw reject("never");
        if (d.attempt() != 1) ++late;
        seen.add(d.id());
      },
      failing(box));
  const auto listener = b.subscribe(
      "jobs", [&](const delivery&) { ++other; }, failing(own_name(s, b, "listens")));
  std::set<std::string> ids;
  for (const std::string& n : numbers(events)) ids.insert(s.publish(b, "jobs", n).id());
  s.wait_until([&] { return worker.counts().dead == events; }, "the rejected events are given up");
  s.wait_until([&] { return other == events; }, "the other group gets them all");
  fails = false;
  const auto kept = letters(s, b, box);
  s.require(kept.size() == events, "what is rejected is listed");
  const std::string entry(kept.front().at("entry").as_string()), id(kept.front().at("id").as_string());
  const std::string one = of_box(box, R"(,"entry":")" + entry + "\"");
  s.expect(s.call(b, "dead.requeue", one) == R"({"requeued":1})", "one dead letter is sent back");
  s.await([&] { return seen.size() >= 1; });
  s.settle_down();
  s.expect(seen.all() == std::vector{id}, "one that is sent back comes once, with the id it had");
  s.expect_equal(ids_of(letters(s, b, box)).count(id), 0u, "entries of what was sent back");
  s.expect(s.call(b, "dead.purge", of_box(box, R"(,"all":true,"max":10)")) == R"({"purged":10})",
           "ten dead letters are purged");
  s.expect_equal(letters(s, b, box).size(), events - 11, "dead letters that are left");
  const json::value rest = json::parse(s.call(b, "dead.requeue", of_box(box, R"(,"all":true)")));
  s.expect(rest.at("requeued") == events - 11, "the rest is sent back; it was " + json::serialize(rest));
  s.await([&] { return seen.size() >= events - 10; });
  s.settle_down();
  const auto all = seen.all();
  const std::set<std::string> once(all.begin(), all.end());
  s.expect_equal(all.size(), events - 10, "handlers started for what was sent back");
  s.expect(once.size() == all.size() && std::includes(ids.begin(), ids.end(), once.begin(), once.end()),
           "what is sent back keeps its id, and comes once");
  s.expect_equal(late.load(), 0u, "events sent back whose count did not begin anew");
  s.expect_equal(other.load(), events, "handlers that the other group started");
  s.expect_equal(letters(s, b, box).size(), 0u, "dead letters in the end");
}

constexpr row table[] = {
    {9,
     "what fails too often is kept with what is known of it, for the group that failed only",
     {"dead letters", "groups"},
     timing::either,
     given_up_after_max},
    {10,
     "dead letters are listed, sent back under their ids to their group only, and purged",
     {"dead letters", "groups"},
     timing::either,
     listed_requeued_purged},
};

}  // namespace

std::span<const row> dead_rows() { return table; }

}  // namespace postbus::conformance
