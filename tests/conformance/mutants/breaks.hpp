// breaks: the promises that the mutant can break, one at a time.
#pragma once

#include "pace.hpp"

#include <cstddef>
#include <iterator>
#include <string_view>

namespace mutant {

enum class breaks {
  nothing,
  delivery,         // an event goes to nobody
  once,             // an event is delivered twice
  order,            // of two events that wait, the later one goes first
  topic,            // an event arrives on the topic of the one before
  pattern,          // 'a:*' also takes what lies deeper
  id,               // the id is another one
  headers,          // the first header is lost
  data,             // data ends at its first NUL
  ordering_key,     // the ordering key is lost
  ttl,              // the event lives for ever
  group,            // an event goes to two members of a group
  forget,           // what was acknowledged comes again
  hasty,            // what has failed comes again at once, while its retry waits
  count,            // a failed attempt does not count
  count_of_drains,  // one that was returned unstarted does
  release,          // what is given back is lost
  answer,           // a publish is not answered
  refusal,          // a publish is answered with an error, and done
  closing,          // from the first end of a subscription on no publish is taken
  ending,           // the end of a subscription is not answered
  unwell,           // it says that it is ill
  crash,            // it ends the process
  leak,             // a file stays open
  quiet,            // an event still comes after its subscription ended
  scribble,         // it writes to an event that it is lent
  borrow,           // it looks at an event when its publish was answered
  credit,           // it delivers one more than it has credit for
  credit_back,      // credit that is given is forgotten
  full,             // where there is no room it says that all is well
  bound,            // there always is room
  batch,            // only the first of a batch goes on
  past,             // a subscription that is to begin in the past begins now
  replay,           // an event of the past is left out
  position,         // it begins with the event at the position, not behind it
  time,             // it begins at the beginning, whatever the time is
  no_group,         // each member of a group gets all
  no_pattern        // a pattern is taken for a topic
};

struct kind {
  std::string_view name;
  unsigned period = 1;  // each so-and-so many times
};

constexpr kind kinds[]{
    {"nothing"},    {"delivery", 10}, {"once", 10}, {"order"},           {"topic"},       {"pattern"},
    {"id"},         {"headers"},      {"data"},     {"ordering_key"},    {"ttl"},         {"group", 10},
    {"forget", 10}, {"hasty", 10},    {"count"},    {"count_of_drains"}, {"release"},     {"answer"},
    {"refusal"},    {"closing"},      {"ending"},   {"unwell"},          {"crash"},       {"leak"},
    {"quiet"},      {"scribble"},     {"borrow"},   {"credit"},          {"credit_back"}, {"full"},
    {"bound"},      {"batch"},        {"past"},     {"replay", 10},      {"position"},    {"time"},
    {"no_group"},   {"no_pattern"}};

static_assert(std::size(kinds) == static_cast<std::size_t>(breaks::no_pattern) + 1);

// A promise, and when it is broken.
struct broken_promise {
  breaks what = breaks::nothing;
  pace when;

  static constexpr broken_promise named(std::string_view name) {
    for (std::size_t i = 0; i < std::size(kinds); ++i)
      if (kinds[i].name == promise_in(name)) return {static_cast<breaks>(i), pace::in(name, kinds[i].period)};
    return {};
  }
};

}  // namespace mutant
