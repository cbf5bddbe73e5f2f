// P5: the topic index at a thousand and at a million subscriptions.
#pragma once

#include <cstddef>
#include <string>

namespace postbus::bench {

// One size of index. Times are medians over the rounds.
struct p5_size {
  std::size_t subscriptions = 0;
  double hot_ns = 0;        // a match, the same 64 topics over and over
  double uniform_ns = 0;    // a match, any topic somebody subscribed to
  double subscribe_us = 0;  // an insert, growing from empty, all table growth included
  double erase_us = 0;      // an erase, down to empty
  double bytes_each = 0;    // heap in use by the index ÷ subscriptions, the allocator's own included
  double matches_each = 0;  // entries found per uniform match
};

struct p5_result {
  p5_size small;                 // 1,000
  p5_size large;                 // 1,000,000; quick: 100,000
  double hot_ratio = 0;          // large ÷ small; target at 1M ≤ 1.5
  double uniform_ratio = 0;      // target ≤ 5
  double stamps_kept_exact = 0;  // share of other topics' stamps one exact change leaves alone
  double stamps_kept_user = 0;   // the same for a change of a pattern such as jobs:184467:**
  double key_ns = 0;             // topic_index::key
  double stamp_ns = 0;           // topic_index::stamp(key), 64 topics
};

// Runs for about 6 s, quick for about 0.5 s. Nine subscriptions in ten are exact.
[[nodiscard]] p5_result measure_p5(bool quick);

// The result as a table with the targets beside it.
[[nodiscard]] std::string describe_p5(const p5_result& result);

}  // namespace postbus::bench
