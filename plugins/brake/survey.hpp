// survey: a scope as a look at the store shows it, and what follows from that. Pure.
#pragma once

#include "book.hpp"
#include "registry.hpp"

namespace postbus::brake_plugin {

struct survey {
  struct running {
    std::string list, member;  // inflight:KEY, and what stands there
    bool has_lapsed = false;   // then nobody knows whether it runs
  };
  brake_plugin::record record;
  std::vector<std::string> live;  // processes whose lease runs
  std::map<std::string, std::int64_t, std::less<>> confirmed;
  std::uint64_t parked = 0;
  std::vector<running> work;

  // Of what process: "7 64", an epoch and how many it has set aside.
  void add_confirmation(std::string_view process, std::string_view text);
  static std::string confirmation(std::int64_t epoch, std::uint64_t parked);
  // Live processes that have not confirmed the epoch of the record.
  std::vector<std::string> unconfirmed() const;
  // [{"process", "topic", "id", "unverified"}]
  std::string work_as_json() const;
};

struct limits {
  std::chrono::nanoseconds confirm_within{}, verify_after{};
};

// The state that is due after `known_for` of knowing of the epoch; the record's own: none is.
//
//   pausing    all confirmed, nothing registered           -> paused
//              all confirmed, verify_after is over         -> partial, with what is registered
//   partial    nothing registered                          -> paused;  registered is something else -> partial, with that
//   resuming   all confirmed, or confirm_within is over    -> running
phase due(const survey& s, std::chrono::nanoseconds known_for, const limits& l);

}  // namespace postbus::brake_plugin
