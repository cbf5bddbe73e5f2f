// What a link that goes down, and a store that fails, do to what is given up: row 10.
#include "all_rows.hpp"
#include "letters.hpp"

#include <boost/json.hpp>

#include <set>

namespace postbus::conformance {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t events = 1000;
constexpr std::chrono::nanoseconds down = 20ms;

scene::settings failing(scene& s) {
  if (!s.has_plugin("faults")) s.skip("the plugin 'faults', which takes the link away, is not on the path");
  scene::settings own{{"transport.wrappers", R"(["faults"])"},
                      {"plugin.faults.disconnect", "0.02"},
                      {"plugin.faults.disconnect_time", R"("20ms")"}};
  if (s.supplied("dead letters") != capability_info::how::native)
    for (const auto& [name, value] :
         {std::pair("store.wrappers", R"(["faults-store"])"), std::pair("plugin.faults-store.fail", "0.02"),
          std::pair("plugin.faults-store.unknown", "0.02")})
      own.emplace_back(name, value);
  return own;
}

// Tries until it is confirmed: what is answered with an error is surely not done.
void publish_somehow(scene& s, bus& b, const std::string& id) {
  publish_options with;
  with.id = id;
  for (int tries = 0; tries < 1000; ++tries) {
    error_code ec;
    b.publish("jobs", id, with, ec);
    if (!ec) return;
    s.let_pass(down);
  }
  s.require(false, "a link that went down comes back");
}

void kept_whatever_fails(scene& s) {
  bus& b = s.open(failing(s));
  const auto name = [&](std::string_view lead) {
    std::string made(lead);
    return made += std::to_string(s.now().count());
  };
  subscribe_options options;
  options.dead_letters = dead_letter_policy::keep;
  options.group = name("loses-its-link-");
  const auto reject_all = [](const delivery&) { throw reject("never"); };
  auto first = b.subscribe("jobs", reject_all, options);
  std::set<std::string> ids;
  for (const std::string& n : numbers(events))
    publish_somehow(s, b, *ids.insert(name("job-") + "-" + n).first);
  s.await([&] { return first.counts().dead >= events; });
  s.call(b, "faults.set", R"({"disconnect":0})");
  if (s.supplied("dead letters") != capability_info::how::native)
    s.call(b, "faults-store.set", R"({"fail":0,"unknown":0})");
  s.let_pass(down);
  first.unsubscribe();
  {  // what was given up, but not settled while the link was down, comes again
    const auto second = b.subscribe("jobs", reject_all, options);
    s.settle_down();
  }
  std::multiset<std::string> kept;
  for (const auto& letter : letters(s, b, options.group)) kept.emplace(letter.at("id").as_string());
  s.expect_equal(kept.size(), events, "dead letters, for events that were all rejected");
  s.expect(std::set(kept.begin(), kept.end()) == ids, "each event that was rejected is in the box");

  std::set<std::string> back;
  std::mutex mutex;
  const auto third = b.subscribe(
      "jobs",
      [&](const delivery& d) {
        const std::lock_guard lock(mutex);
        back.emplace(d.id());
      },
      options);
  s.call(b, "faults.set", R"({"disconnect":0.02})");
  bool is_empty = false;
  for (int tries = 0; tries < 1000 && !is_empty; ++tries) {
    const auto answer =
        boost::json::parse(s.call(b, "dead.requeue", of_box(options.group, R"(,"all":true)")));
    is_empty = !answer.as_object().contains("failed");
    s.let_pass(down);
  }
  s.call(b, "faults.set", R"({"disconnect":0})");
  s.let_pass(down);
  s.settle_down();
  s.expect(is_empty, "what could not be sent back is sent back later");
  const std::lock_guard lock(mutex);
  s.expect_equal(back.size(), events, "events that come again, of those that were sent back");
}

constexpr row table[] = {
    {10,
     "what is given up and what is sent back is not lost while the link or the store fails",
     {"dead letters", "groups"},
     timing::either,
     kept_whatever_fails},
};

}  // namespace

std::span<const row> losing_rows() { return table; }

}  // namespace postbus::conformance
