// hunted: promises that a mutant breaks, and the rows that must notice.
#pragma once

#include <set>
#include <span>
#include <string>

namespace mutant {

struct hunted_promise {
  std::string what;              // "delivery rarely"
  std::set<unsigned> caught_by;  // each of these rows
};

// Those of a transport: breaks.hpp says what is broken.
std::span<const hunted_promise> hunted_in_transports();
// Those that the core keeps for every transport: core/core.breaks does.
std::span<const hunted_promise> hunted_in_core();

}  // namespace mutant
