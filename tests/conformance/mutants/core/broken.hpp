// broken: what the breaks of core.breaks ask. In a test build of the core, which says so with break_core(). Any thread.
#pragma once

#include <string_view>

namespace mutant {

// Whether it is time to break the promise. `again`: for an event that was delivered, or has failed, before.
bool broken(std::string_view promise, bool again = false) noexcept;

// From now on the promise in this name is broken, at its pace: "order", "order rarely", "retry again". The name stays where it is.
void break_core(std::string_view name) noexcept;

}  // namespace mutant
