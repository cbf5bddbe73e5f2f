// books: what must become of each event in each group, and what has so far. A handler opens an entry when it starts and says how it
// ended; whatever the bus is not allowed to do is a complaint.
#pragma once

#include "seen.hpp"

#include <postbus/bus.hpp>
#include <postbus/testing/manual_clock.hpp>

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace postbus::ledger {

struct event_facts {
  enum fate { open, confirmed, refused, unknown, cancelled, gone } is = open;
  std::string id, topic, key, data;
  bool keeps_order = false;  // it was published by a call that waits for its answer, at once
  bool is_delayed = false;
  std::int64_t due_ns = 0, expires_ns = 0;  // 0: at once; never
  unsigned bus = 0;
};

// A subscription of the run. One that is made again is another member.
struct member {
  unsigned role = 0, number = 0, bus = 0;
  std::size_t group = 0;  // its book
  subscribe_options options;
  subscription handle;
  bool leaves = false;   // unsubscribe or close began
  bool is_gone = false;  // and returned: no handler may start
  std::uint64_t started = 0, acked = 0, retried = 0, dead = 0;
};

// One event in one group.
struct page {
  enum state { none, running, waiting, acked, dead } is = none;
  bool requeue_is_due = false;
  bool came_back = false;           // from a member whose letter the store did not take
  unsigned life = 0, attempts = 0;  // a dead letter that is sent back has another life
  member* with = nullptr;
  std::int64_t since_ns = 0, not_before_ns = 0;
};

struct group_book {
  std::string name;
  bool is_group = false;    // else one subscription, which may lose what it has not handled when it ends
  bool is_ordered = false;  // by key
  std::size_t first_event = 0;
  bool is_lossy = false;
  std::uint64_t requeued = 0;
  std::vector<page> pages;
  struct lane {
    std::size_t holder = SIZE_MAX, last_first = 0;
  };
  std::map<std::string, lane> lanes;
};

// A handler that was started.
struct entry {
  member* whose = nullptr;
  std::size_t event = 0;
  unsigned life = 0, attempt = 0;
};

class books {
 public:
  explicit books(testing::manual_clock& clock, bool tells) : clock_(clock), tells_(tells) {}

  // ---- publishing
  event_facts& new_event(std::string_view topic, std::string key);
  void answered(event_facts& e, error_code ec);

  // ---- delivering
  entry started(member& m, const delivery& d);
  enum outcome { acks, retries, rejects };
  // `was_taken`: whether the bus took the answer, where it says so.
  void ended(const entry& of, outcome how, std::int64_t after_ns = 0, std::optional<bool> was_taken = {});

  page& at(std::size_t group, std::size_t event);
  // One whose handler took too long is with others by now.
  void look_at_the_time(page& p);
  bool is_expired(const event_facts& e) const { return e.expires_ns != 0 && clock_.now_ns() >= e.expires_ns; }

  void complain(const std::string& what);
  void tell(const std::string& what);

  std::deque<event_facts> events;
  std::deque<group_book> groups;
  std::deque<member> members;
  std::vector<std::string> complaints;
  bool store_may_fail = false;  // some letters are not in their box, and may come back, until it works
  // It was given up, and the store had perhaps not taken it when its member left, so that it went back.
  bool may_be_back(const page& p) const noexcept {
    return store_may_fail && p.is == page::dead && !p.requeue_is_due && p.with->leaves;
  }
  ledger::seen seen;

 private:
  void check_lane(group_book& g, std::size_t event, const page& p);

  testing::manual_clock& clock_;
  const bool tells_;
};

}  // namespace postbus::ledger
