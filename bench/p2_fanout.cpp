// P2, P2t: publish → many handlers on the publisher's thread; two publishers on one topic.
#include "fan.hpp"
#include "harness.hpp"

#include <algorithm>
#include <barrier>

namespace postbus::bench {
namespace {

row fan_out(const settings& how, std::size_t subscribers, double target) {
  fan ours(inline_config(), subscribers);
  const function_loop peer(subscribers);
  const std::size_t n = how.scaled(2'000'000 / subscribers);
  const auto ns = take_turns(how.rounds(), {[&] { return ns_each(n, [&] { ours.publish(); }); },
                                            [&] { return ns_each(n, [&] { peer.publish(); }); }});
  if (ours.bytes() == 0 || ours.bytes() != peer.bytes()) broken("P2: a handler was not called");
  return {"P2." + std::to_string(subscribers),
          "inline, " + std::to_string(subscribers) + " subscribers",
          "ns",
          ns[0],
          "std::function loop",
          ns[1],
          wanted::ratio_at_most,
          target};
}

thread_local std::uint64_t calls_here = 0;

}  // namespace

std::vector<row> p2_fanout(const settings& how) { return {fan_out(how, 10, 2), fan_out(how, 100, 1.3)}; }

std::vector<row> p2t_two_threads(const settings& how) {
  bus b(inline_config());
  const auto s = b.subscribe(fan_topic, [](const delivery&) { ++calls_here; });
  const std::size_t n = how.scaled(400'000);
  // ns for each publish of the slowest of so many threads.
  const auto together = [&](std::size_t threads) {
    std::barrier start(static_cast<std::ptrdiff_t>(threads));
    std::vector<double> ns(threads);
    std::vector<std::thread> publishers;
    for (double& mine : ns)
      publishers.emplace_back([&] {
        for (int i = 0; i < 1000; ++i) b.publish(fan_topic, fan_data);
        start.arrive_and_wait();
        mine = ns_each(n, [&] { b.publish(fan_topic, fan_data); });
        if (calls_here != n + 1000) broken("P2t: the handler was not called");
      });
    for (std::thread& t : publishers) t.join();
    return *std::max_element(ns.begin(), ns.end());
  };
  const auto ns = take_turns(how.rounds(), {[&] { return together(2); }, [&] { return together(1); }});
  return {{"P2t", "inline, two threads publish on one topic, each", "ns", ns[0], "one thread", ns[1],
           wanted::ratio_at_most, 1.3}};
}

}  // namespace postbus::bench
