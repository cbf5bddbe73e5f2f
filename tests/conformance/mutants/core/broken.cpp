#include "broken.hpp"

#include "mutants/pace.hpp"

#include <atomic>
#include <cstdint>

namespace mutant {
namespace {

std::string_view promise;
pace when;
std::atomic<std::uint64_t> count{0};

}  // namespace

bool broken(std::string_view asked, bool again) noexcept {
  return asked == promise && (again || !when.only_again) && ++count % when.period == 0;
}

void break_core(std::string_view name) noexcept {
  promise = promise_in(name);
  when = pace::in(name);
  count = 0;
}

}  // namespace mutant
