// footprint: what a process takes of memory, and what a load adds to it: a bus with a lot of something in it.
//
// Each load is measured in a process of its own, for what an earlier one left behind would serve the next one: the program starts
// itself once more, as `postbus_bench --load NAME N`.
#pragma once

#include <cstddef>
#include <string_view>

namespace postbus::bench {

// Bytes that malloc has given out and not taken back, in every arena and mapping, its own headers included.
double heap_in_use() noexcept;
// Bytes of the process in memory, those of its libraries included.
double resident();

struct growth {
  double heap = 0, rss = 0;  // bytes, of all of the load
  double close_ms = 0;       // how long the bus took to close with it
};

// Runs the load with n of its kind in a process of its own. Ends the run where that fails.
growth grow_in_child(std::string_view load, std::size_t n);
// That process: measures the load, and prints what grow_in_child() reads. False: there is no such load.
bool run_load(std::string_view load, std::size_t n);

}  // namespace postbus::bench
