// seeds: the main of a program that plays something over many seeds, each of which is another interleaving.
//
//   NAME --seeds 200              seeds 1 to 200
//   NAME --seeds 200 --first 500  seeds 500 to 699
//   NAME --seed 17 -v             one, told step by step
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace postbus::tests {

struct played {
  std::uint64_t schedule = 0;           // its hash
  std::vector<std::string> complaints;  // a sentence each
  // What came how often. Over all seeds each has to come at least once in ten: else the program would not look at it.
  std::vector<std::pair<std::string, std::uint64_t>> seen;
};

// Returns the exit status: 0 when nobody complained, and everything was seen.
inline int play_seeds(int argc, char** argv,
                      const std::function<played(std::uint64_t seed, bool tells)>& play) {
  std::uint64_t seeds = 20, first = 1;
  bool tells = false;
  for (int i = 1; i < argc; ++i) {
    const auto is = [&](const char* name) { return std::strcmp(argv[i], name) == 0; };
    if (is("-v")) {
      tells = true;
    } else if (i + 1 == argc || !(is("--seeds") || is("--first") || is("--seed"))) {
      std::fprintf(stderr, "usage: %s [--seeds N] [--first S] | --seed S [-v]\n", argv[0]);
      return 2;
    } else {
      if (is("--seed")) seeds = 1;
      (is("--seeds") ? seeds : first) = std::strtoull(argv[i + 1], nullptr, 10);
      ++i;
    }
  }
  std::set<std::uint64_t> schedules;
  unsigned long long failed = 0;
  std::vector<std::pair<std::string, std::uint64_t>> seen;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    played p = play(seed, tells);
    // A seed is one run: else what it found could not be found again.
    if (seed % 50 == 0 && play(seed, false).schedule != p.schedule)
      p.complaints.push_back("the seed is not the same run twice");
    schedules.insert(p.schedule);
    if (seen.empty()) seen = std::move(p.seen);
    else
      for (std::size_t k = 0; k < seen.size(); ++k) seen[k].second += p.seen[k].second;
    if (p.complaints.empty()) continue;
    ++failed;
    std::printf("seed %llu failed; again: %s --seed %llu -v\n", static_cast<unsigned long long>(seed),
                argv[0], static_cast<unsigned long long>(seed));
    for (std::size_t n = 0; n < p.complaints.size() && n < 5; ++n)
      std::printf("  %s\n", p.complaints[n].c_str());
  }
  std::printf("%llu seeds, %llu failed, %zu distinct schedules\n", static_cast<unsigned long long>(seeds),
              failed, schedules.size());
  bool all_seen = true;
  for (const auto& [what, count] : seen) {
    std::printf("  %-42s %llu\n", what.c_str(), static_cast<unsigned long long>(count));
    all_seen = all_seen && count >= seeds / 10;
  }
  if (!all_seen) std::puts("some of these came less than once in ten seeds");
  return failed == 0 && all_seen ? 0 : 1;
}

}  // namespace postbus::tests
