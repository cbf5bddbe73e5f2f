// brake-seeds: user 42 is paused and resumed, over many seeds, each of which is another interleaving with other faults.
//
//   brake-seeds --seeds 200              seeds 1 to 200
//   brake-seeds --seeds 200 --first 500  seeds 500 to 699
//   brake-seeds --seed 17 -v             one, told step by step
#include "world.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace postbus::tests;

namespace {

int usage() {
  std::fputs("usage: brake-seeds [--seeds N] [--first S] | --seed S [-v]\n", stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seeds = 20, first = 1;
  bool tells = false;
  for (int i = 1; i < argc; ++i) {
    const auto is = [&](const char* name) { return std::strcmp(argv[i], name) == 0; };
    if (is("-v")) tells = true;
    else if (i + 1 == argc || !(is("--seeds") || is("--first") || is("--seed"))) return usage();
    else if (is("--seeds")) seeds = std::strtoull(argv[++i], nullptr, 10);
    else if (is("--first")) first = std::strtoull(argv[++i], nullptr, 10);
    else first = std::strtoull(argv[++i], nullptr, 10), seeds = 1;
  }
  std::set<std::uint64_t> schedules;
  std::uint64_t failed = 0;
  tally all;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    world w(seed, tells);
    w.run();
    schedules.insert(w.hash());
    all.add(w.seen);
    if (w.complaints.empty()) continue;
    ++failed;
    std::printf("seed %llu failed; again: %s --seed %llu -v\n", static_cast<unsigned long long>(seed),
                argv[0], static_cast<unsigned long long>(seed));
    for (std::size_t n = 0; n < w.complaints.size() && n < 5; ++n)
      std::printf("  %s\n", w.complaints[n].c_str());
  }
  std::printf("%llu seeds, %llu failed, %zu distinct schedules\n", static_cast<unsigned long long>(seeds),
              static_cast<unsigned long long>(failed), schedules.size());
  bool all_seen = true;
  const auto tell = [&](const char* what, std::uint64_t n) {
    std::printf("  %-42s %llu\n", what, static_cast<unsigned long long>(n));
    all_seen = all_seen && n >= seeds / 10;
  };
  tell("handlers started", all.starts);
  tell("pauses", all.pauses);
  tell("completed, as far as was looked", all.completed);
  tell("answers with a process that had not confirmed", all.unconfirmed);
  tell("answers that say partial", all.partial);
  tell("stragglers listed", all.stragglers);
  tell("unverified ones listed", all.lapsed);
  tell("publishes refused", all.refused_publishes);
  tell("buses replaced", all.replaced);
  std::printf("  %-42s %llu\n", "unstarted at the first pause, at least",
              static_cast<unsigned long long>(all.waiting_at_pause_min));
  if (!all_seen) std::puts("some of these came less than once in ten seeds");
  return failed == 0 && all_seen ? 0 : 1;
}
