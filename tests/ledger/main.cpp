// ledger: books are kept of every event in every group, over many seeds, each of which is another interleaving with other faults.
//
//   ledger --seeds 200              seeds 1 to 200
//   ledger --seeds 200 --first 500  seeds 500 to 699
//   ledger --seed 17 -v             one, told step by step
#include "world.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>

using namespace postbus::ledger;

namespace {

struct outcome {
  std::uint64_t hash = 0;
  std::size_t events = 0;
  std::vector<std::string> complaints;
  seen kinds;
};

outcome play(std::uint64_t seed, bool tells) {
  world w(seed, tells);
  w.run();
  return {w.clock.schedule_hash(), w.books.events.size(), w.books.complaints, w.books.seen};
}

int usage() {
  std::fputs("usage: ledger [--seeds N] [--first S] | --seed S [-v]\n", stderr);
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
  std::uint64_t failed = 0, events = 0;
  seen kinds;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    outcome o = play(seed, tells);
    // A seed is one run: else what it found could not be found again.
    if (seed % 50 == 0 && play(seed, false).hash != o.hash)
      o.complaints.push_back("the seed is not the same run twice");
    schedules.insert(o.hash);
    events += o.events;
    kinds.add(o.kinds);
    if (o.complaints.empty()) continue;
    ++failed;
    std::printf("seed %llu failed; again: %s --seed %llu -v\n", static_cast<unsigned long long>(seed),
                argv[0], static_cast<unsigned long long>(seed));
    for (std::size_t n = 0; n < o.complaints.size() && n < 5; ++n)
      std::printf("  %s\n", o.complaints[n].c_str());
  }
  std::printf("%llu seeds, %llu failed, %zu distinct schedules, %llu events\n",
              static_cast<unsigned long long>(seeds), static_cast<unsigned long long>(failed),
              schedules.size(), static_cast<unsigned long long>(events));
  bool all_seen = true;
  for (std::size_t k = 0; k < kind_names.size(); ++k) {
    std::printf("  %-20s %llu\n", kind_names[k].data(), static_cast<unsigned long long>(kinds.of(k)));
    all_seen = all_seen && kinds.of(k) >= seeds / 10;
  }
  if (!all_seen) std::puts("some of these came less than once in ten seeds");
  return failed == 0 && all_seen ? 0 : 1;
}
