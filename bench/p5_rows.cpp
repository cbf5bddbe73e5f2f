// P5: the rows of p5_topic_index.
#include "harness.hpp"
#include "p5_topic_index.hpp"

namespace postbus::bench {

std::vector<row> p5_index(const settings& how) {
  const p5_result r = measure_p5(how.quick);
  const std::string many = how.quick ? "100k" : "1M";
  return {
      {"P5.hot", "match of 64 hot topics, " + many + " subscriptions", "ns", r.large.hot_ns, "1k",
       r.small.hot_ns, wanted::ratio_at_most, 1.5},
      {"P5.uniform", "match of any topic, " + many + " subscriptions", "ns", r.large.uniform_ns, "1k",
       r.small.uniform_ns, wanted::ratio_at_most, 5},
      {"P5.bytes",
       "memory of a subscription, " + many,
       "B",
       r.large.bytes_each,
       "",
       {},
       wanted::value_at_most,
       130},
      {"P5.subscribe",
       "one more subscription, " + many,
       "us",
       r.large.subscribe_us,
       "",
       {},
       wanted::value_at_most,
       1},
  };
}

}  // namespace postbus::bench
