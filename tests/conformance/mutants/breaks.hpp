// breaks: the promises that the mutant can break, one at a time.
#pragma once

#include <cstddef>
#include <iterator>
#include <string_view>

namespace mutant {

enum class breaks {
  nothing,
  delivery,         // each tenth event goes to nobody
  delivery_rarely,  // one in a thousand
  once,             // each tenth event arrives twice
  once_rarely,      // one in a thousand
  order,            // of two events that wait, the later one goes first
  topic,            // an event arrives on the topic of the one before
  pattern,          // 'a:*' also takes what lies deeper
  headers,          // the first header is lost
  data,             // data ends at its first NUL
  ordering_key,     // the ordering key is lost
  group,            // each tenth event goes to two members of a group
  count,            // a failed attempt does not count
  count_of_drains,  // one that was returned unstarted does
  retry,            // what is released after a failed attempt is lost
  release,          // what a member that leaves has not settled is lost
  answer,           // a publish is not answered
  quiet,            // an event still comes after its subscription ended
  credit,           // it delivers one more than it has credit for
  credit_back,      // credit that is given is forgotten
  full,             // where there is no room it says that all is well
  bound,            // there always is room
  batch             // only the first of a batch goes on
};

// clang-format off
constexpr std::string_view names[]{
    "nothing", "delivery", "delivery_rarely", "once", "once_rarely", "order",
    "topic", "pattern", "headers", "data", "ordering_key", "group",
    "count", "count_of_drains", "retry", "release", "answer", "quiet",
    "credit", "credit_back", "full", "bound", "batch"};
// clang-format on

constexpr breaks named(std::string_view name) {
  for (std::size_t i = 0; i < std::size(names); ++i)
    if (names[i] == name) return static_cast<breaks>(i);
  return breaks::nothing;
}

}  // namespace mutant
