// postbus_bench [--json] [--quick] [--only ID]: bench/run builds and starts it; README.md says what the rows are.
#include "footprint.hpp"
#include "harness.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iterator>

namespace postbus::bench {
namespace {

struct benchmark {
  std::vector<std::string_view> rows;
  std::vector<row> (*run)(const settings&);
};

const std::vector<benchmark>& all() {
  static const std::vector<benchmark> list{
      {{"P1", "P1h", "X1", "BOUNDARY"}, &p1_inline},
      {{"P2.10", "P2.100"}, &p2_fanout},
      {{"P2t"}, &p2t_two_threads},
      {{"P3.64", "P3.1024", "P3.64x32", "P3.1024x32", "P3.malloc"}, &p3_queued},
      {{"P4.p50", "P4.p99", "P4.spin"}, &p4_latency},
      {{"P5.hot", "P5.uniform", "P5.bytes", "P5.subscribe"}, &p5_index},
      {{"P6.alone", "P6.64", "P6.brake", "P6.brake.64", "P6.dedup", "P6.dedup.copy"}, &p6_features},
      {{"P12.encode", "P12.decode", "P12.malloc", "P12.json.encode", "P12.json.decode"}, &p12_codec},
      {{"P13.idle", "P13.subscription", "P13.subscription.rss", "P13.queued", "P13.queued.rss", "P13.group",
        "P13.group.rss", "P13.timer", "P13.timer.rss", "P13.delayed", "P13.delayed.rss"},
       &p13_memory},
      {{"P14.p1", "P14.p2", "P14.p4", "P14.p8", "P14.s1", "P14.s10", "P14.s100"}, &p14_growth},
      {{"M1"}, &m1_sampling},
      {{"C.plain", "C.ordered_by", "C.feature", "C.settled", "C.dedup", "C.delay", "C.ttl"}, &c_costs},
      {{"B.queued", "B.queued.close", "B.timers", "B.timers.close", "B.lanes", "B.lanes.close",
        "B.lanes.bytes", "B.deferred.bytes"},
       &b_backlog},
      {{"B.brake.others", "B.brake.p50", "B.brake.p99"}, &b_brake}};
  return list;
}

// "P3" asks for P3.64 and the like too.
bool asks_for(std::string_view only, std::string_view id) {
  return only.empty() || id == only || (id.starts_with(only) && id[only.size()] == '.');
}

int usage() {
  std::fputs(
      "usage: run [--json] [--quick] [--only ID], with one of these, or what stands before its dot:\n ",
      stderr);
  for (const benchmark& b : all())
    for (const std::string_view id : b.rows) std::fprintf(stderr, " %s", id.data());
  std::fputs("\n", stderr);
  return 2;
}

int run(std::span<char*> arguments) {
  // What grow_in_child() starts.
  if (arguments.size() == 3 && std::string_view(arguments[0]) == "--load") {
    const idle_thread beside;
    return run_load(arguments[1], std::strtoull(arguments[2], nullptr, 10)) ? 0 : usage();
  }
  settings how;
  bool json = false;
  std::string_view only;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view a = arguments[i];
    if (a == "--json") {
      json = true;
    } else if (a == "--quick") {
      how.quick = true;
    } else if (a == "--only" && i + 1 < arguments.size()) {
      only = arguments[++i];
    } else {
      return usage();
    }
  }
  std::array<double, 1> load{};
  if (getloadavg(load.data(), 1) == 1 && load[0] > 0.5)
    std::fprintf(stderr,
                 "postbus_bench: the machine is busy (load %.1f): rows with two threads, P2t, P3 and P4, "
                 "tell little\n",
                 load[0]);
  const idle_thread beside;
  std::vector<row> rows;
  for (const benchmark& b : all()) {
    if (std::none_of(b.rows.begin(), b.rows.end(), [&](std::string_view id) { return asks_for(only, id); }))
      continue;
    if (!json) std::fprintf(stderr, "%s …\n", b.rows.front().data());
    const auto found = b.run(how);
    std::copy_if(found.begin(), found.end(), std::back_inserter(rows),
                 [&](const row& r) { return asks_for(only, r.id); });
  }
  if (rows.empty()) return usage();
  if (!json) std::fputs(to_table(rows).c_str(), stdout);
  if (json)
    for (const row& r : rows) std::puts(to_json(r).c_str());
  return 0;
}

}  // namespace
}  // namespace postbus::bench

int main(int argc, char** argv) try {
  return postbus::bench::run({argv + 1, static_cast<std::size_t>(argc - 1)});
} catch (const std::exception& e) {
  postbus::bench::broken(e.what());
}
