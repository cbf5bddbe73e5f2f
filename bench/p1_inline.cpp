// P1, P1h, X1, BOUNDARY: publish → one handler on the publisher's thread, 64 B.
#include "fan.hpp"
#include "harness.hpp"

#include <boost/signals2/signal.hpp>

#include <algorithm>

extern "C" const postbus_module postbus_module_bench_memory;  // the memory transport, linked in

namespace postbus::bench {

std::vector<row> p1_inline(const settings& how) {
  fan loaded(inline_config(), 1);
  fan linked(inline_config().module(postbus_module_bench_memory), 1);
  std::uint64_t bytes = 0;
  boost::signals2::signal<void(const payload&)> signal;
  signal.connect([&](const payload& p) { bytes += p.data.size(); });

  const std::size_t n = how.scaled(400'000);
  const auto ns =
      take_turns(how.rounds(), {
                                   [&] { return ns_each(n, [&] { loaded.publish(); }); },
                                   [&] { return ns_each(n, [&] {
                                           signal(payload{fan_topic, fan_data});
                                         }); },
                                   [&] { return ns_each(n, [&] { loaded.publish_by_handle(); }); },
                                   [&] { return ns_each(n, [&] { linked.publish(); }); },
                                   [&] { return ns_each(n, [&] { linked.publish_by_handle(); }); },
                               });
  const double by_text = ns[0], peer = ns[1], by_handle = ns[2], linked_by_text = ns[3],
               linked_by_handle = ns[4];
  const std::uint64_t all = n * fan_data.size() * static_cast<std::uint64_t>(how.rounds() + 1);
  if (loaded.bytes() != 2 * all || linked.bytes() != 2 * all || bytes != all)
    broken("P1: a handler was not called");
  return {
      {"P1", "inline, 1 subscriber, by topic text", "ns", by_text, "Boost.Signals2", peer,
       wanted::ratio_at_most, 0.7},
      {"P1h", "inline, 1 subscriber, by topic handle", "ns", by_handle, "Boost.Signals2", peer,
       wanted::ratio_at_most, 0.5},
      {"X1",
       "what the loaded transport costs over it linked in",
       "ns",
       std::max(0.0, by_text - linked_by_text),
       "",
       {},
       wanted::value_at_most,
       10},
      {"BOUNDARY", "by handle, transport loaded / linked in", "ns", by_handle, "", linked_by_handle,
       wanted::ratio_at_most, 1.2},
  };
}

}  // namespace postbus::bench
