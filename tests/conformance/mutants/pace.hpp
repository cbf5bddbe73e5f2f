// pace: how often a broken promise is broken. Of its name alone: whenever it matters, or often enough; "… rarely": one time in a thousand;
// "… again": only for an event that was delivered before, or has failed before.
#pragma once

#include <string_view>

namespace mutant {

struct pace {
  unsigned period = 1;  // each so-and-so many times
  bool only_again = false;

  static constexpr pace in(std::string_view name, unsigned usual = 1) {
    const bool again = name.ends_with(" again");
    return {name.ends_with(" rarely") ? 1000 : again ? 1 : usual, again};
  }
};

// The promise in a name: "delivery" of "delivery rarely".
constexpr std::string_view promise_in(std::string_view name) {
  for (const std::string_view how : {" rarely", " again"})
    if (name.ends_with(how)) name.remove_suffix(how.size());
  return name;
}

}  // namespace mutant
