// A user is paused, and it is known that nothing runs: row 30, where the configuration has the feature brake.
#include "all_rows.hpp"

#include <postbus/brake.hpp>
#include <postbus/conformance/scene.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <atomic>

namespace postbus::conformance {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t jobs = 2'000;

scene::settings braked(scene::settings more = {}) {
  more.insert(more.end(), {{"plugin.brake.topics", R"(["jobs:{user_id}:*"])"},
                           {"plugin.brake.key", "param:user_id"},
                           {"plugin.brake.verify_after", "200ms"}});
  return more;
}

// A user of its own: the store may be shared, and may remember.
std::string own_user(scene& s, bus& b, std::string_view name) {
  return std::string(name) + "-" + s.publish(b, "conformance:nobody", "").id();
}

void nothing_starts(scene& s) {
  bus& b = s.open(braked());
  const std::string user = own_user(s, b, "paused"), other = own_user(s, b, "other");
  collected<std::string> ours, others;
  collected<settlement> first;  // holds the lane of its user until the pause has completed
  subscribe_options in_lanes;
  in_lanes.ordered_by = "param:user_id";
  const auto work = b.subscribe(
      "jobs:{user_id}:*",
      [&](const delivery& d) {
        (d.param("user_id") == user ? ours : others).add(d.text());
        if (ours.size() == 1 && others.size() == 0) first.add(d.defer());
      },
      in_lanes);
  brake pulled(b);
  for (std::size_t n = 0; n < jobs; ++n) s.publish(b, "jobs:" + user + ":a", std::to_string(n));
  s.wait_until([&] { return first.size() == 1; }, "the first job runs");
  pulled.pause(brake::key(user));
  first.take().front().ack();
  s.await([&] { return pulled.status(brake::key(user)).state == brake::paused; });
  s.expect(pulled.status(brake::key(user)).state == brake::paused, "a user for whom nothing runs is paused");
  s.expect(s.try_publish(b, "jobs:" + user + ":a", "x") == error::paused,
           "a publish for a paused user is refused as paused");
  for (std::size_t n = 0; n < jobs; ++n) s.publish(b, "jobs:" + other + ":a", std::to_string(n));
  s.await([&] { return others.size() == jobs; });
  expect_each_once(s, others.all(), jobs, "jobs of another user while one is paused");
  s.settle_down();
  s.expect_equal(ours.size(), 1u, "handlers that started for the paused user, the first one included");
  pulled.resume(brake::key(user));
  s.await([&] { return ours.size() >= jobs; });
  expect_each_once(s, ours.all(), jobs, "jobs of the user that was paused");
  s.expect(ours.all() == numbers(jobs), "what was set aside starts in its order");
  s.expect_equal(s.try_publish(b, "jobs:" + user + ":a", "x").message(), error_code().message(),
                 "a publish after the resume");
}

void stragglers(scene& s) {
  bus &here = s.open(braked()), &there = s.open(braked());
  const std::string user = own_user(s, here, "slow");
  collected<settlement> running;
  const auto work = here.subscribe("jobs:{user_id}:*", [&](const delivery& d) { running.add(d.defer()); });
  const std::string topic = "jobs:" + user + ":a";
  s.publish(here, topic, "");
  s.wait_until([&] { return running.size() == 1; }, "the job runs");
  auto open = running.take();
  brake far(there), near(here);
  const bool share_a_store = far.status(brake::key(user)).working.size() == 1;
  brake& pulled = share_a_store ? far : near;
  const auto lists_it = [&](const brake::report& r) {
    return r.working.size() == 1 && r.working[0].topic == topic;
  };
  s.expect(lists_it(pulled.pause(brake::key(user))), "a pause tells what still runs");
  s.wait_until([&] { return open[0].stop_requested(); }, "what runs is asked to stop");
  s.wait_until([&] { return pulled.status(brake::key(user)).state == brake::partial; },
               "the pause is partial");
  s.expect(lists_it(pulled.status(brake::key(user))), "a partial pause tells what still runs");
  open[0].ack();
  s.wait_until([&] { return pulled.status(brake::key(user)).state == brake::paused; },
               "paused, when it has ended");
  s.expect(pulled.status(brake::key(user)).working.empty(), "nothing is listed of what has ended");
  pulled.resume(brake::key(user));
}

// Its process cannot reach the store until the lease is over: that it runs is not known any more, and what it says comes too late.
void lapsed(scene& s) {
  bus* found = nullptr;
  try {
    found = &s.open(braked({{"store.wrappers", R"(["faults-store"])"},
                            {"plugin.brake.renew", "50ms"},
                            {"plugin.brake.self_fence", "100ms"},
                            {"plugin.brake.lease", "200ms"}}));
  } catch (const error&) {
    s.skip("there is no faults-store on the path, to take the store away");
  }
  bus& b = *found;
  const std::string user = own_user(s, b, "lapsed");
  boost::asio::steady_timer step(b.get_executor(), boost::asio::steady_timer::time_point::max());
  std::atomic<int> started{0};
  collected<error_code> publishes;
  const auto work = b.subscribe("jobs:{user_id}:first", [&](delivery d) -> boost::asio::awaitable<void> {
    if (++started > 1) co_return;
    (void)co_await step.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    error_code ec;
    (void)d.publish("jobs:" + user + ":next", "", {}, ec);
    publishes.add(ec);
  });
  s.publish(b, "jobs:" + user + ":first", "");
  s.wait_until([&] { return started == 1; }, "the job runs");
  s.call(b, "faults-store.set", R"({"fail": 1})");
  s.let_pass(400ms);
  boost::asio::post(b.get_executor(), [&] { step.cancel(); });
  s.wait_until([&] { return publishes.size() == 1; }, "it publishes");
  s.expect(publishes.all()[0] == error::refused,
           "a publish through a delivery whose registration lapsed is refused");
  s.settle_down();
  s.expect_equal(work.counts().acked, std::uint64_t{0}, "acks of a delivery whose registration lapsed");
  s.call(b, "faults-store.set", R"({"fail": 0})");
  s.await([&] { return started == 2; });
  s.expect_equal(started.load(), 2, "handlers started for it, when the store is back");
}

constexpr row table[] = {
    {30,
     "once a pause has completed no handler of the user starts, others go on, and a resume keeps the order",
     {},
     timing::either,
     nothing_starts,
     "brake"},
    {30,
     "what runs of a paused user is asked to stop, and listed until it ends",
     {},
     timing::either,
     stragglers,
     "brake"},
    {30,
     "what comes from a delivery whose registration lapsed is refused, and its event delivered again",
     {},
     timing::either,
     lapsed,
     "brake"},
};

}  // namespace

std::span<const row> brake_rows() { return table; }

}  // namespace postbus::conformance
