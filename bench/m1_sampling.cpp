// M1: what timing one event in bus.sample_every costs a publish, inline, 64 B.
#include "fan.hpp"
#include "harness.hpp"

namespace postbus::bench {

std::vector<row> m1_sampling(const settings& how) {
  fan sampled(inline_config(), 1);
  fan plain(inline_config().set("bus.sample_every", "0"), 1);
  const std::size_t n = how.scaled(400'000);
  const auto ns = take_turns(how.rounds(), {[&] { return ns_each(n, [&] { sampled.publish(); }); },
                                            [&] { return ns_each(n, [&] { plain.publish(); }); }});
  return {{"M1", "inline, 1 subscriber: one event in 64 timed / none", "ns", ns[0], "sample_every = 0", ns[1],
           wanted::ratio_at_most, 1.1}};
}

}  // namespace postbus::bench
