// world: one run of a seed. Two buses that share a memory transport and a store, subscriptions that do everything a handler may do,
// publishers, and what goes wrong in the middle. Everything is drawn from one generator, on a clock that explores.
#pragma once

#include "books.hpp"

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <random>

namespace postbus::ledger {

class world {
 public:
  world(std::uint64_t seed, bool tells);
  ~world();
  world(const world&) = delete;
  world& operator=(const world&) = delete;

  void run();

  testing::manual_clock clock;
  ledger::books books;

 private:
  static constexpr unsigned roles = 10;
  struct deferred {
    entry of;
    settlement answer;
    unsigned how = 0;
    bool is_twice = false;
  };
  // A coroutine that waits on the virtual clock.
  struct pause;

  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  // f() on the clock, after so long.
  void later(std::int64_t delay_ns, std::function<void()> f);
  bus& any_bus() { return *buses_[any_open()]; }
  unsigned any_open() { return buses_[1] != nullptr ? static_cast<unsigned>(below(2)) : 0; }

  // ---- subscriptions.cpp
  void subscribe(unsigned role);
  void unsubscribe(member& m);
  void handle(member& m, const delivery& d);
  boost::asio::awaitable<void> handle_slowly(member& m, delivery d);
  boost::asio::awaitable<void> later(member& m, std::int64_t ns);
  void act(member& m, const entry& of, const delivery& d);
  void take_along(const entry& of, const delivery& d);
  void answer(std::uint64_t number);
  void publish_along(const delivery& d);
  void hurry(unsigned bus);

  // ---- publishers.cpp
  void publish_some(unsigned left);
  void publish_one(unsigned left, bool at_once = false);
  void publish_batch();
  publish_options options_for(event_facts& e);

  // ---- faults.cpp
  void plan_faults();
  void leave_and_return();
  void close_one();
  void send_back();
  void cancel_one();

  // Of the plugin faults, where this run has it: from now on.
  void link_stalls(bool now);
  void store_fails(bool now);

  // ---- audit.cpp
  void see_what_struck();
  void audit_groups(std::int64_t queued);
  void audit_boxes();
  void audit_counts();
  void audit_report(unsigned bus, const close_report& report);
  std::int64_t queued();

  std::mt19937_64 random_;
  bool link_may_stall_ = false, store_may_fail_ = false;  // this run has the plugin faults there
  std::string instance_;
  std::array<std::unique_ptr<bus>, 2> buses_;
  std::array<close_report, 2> reports_;
  std::array<std::size_t, 3> books_of_groups_{};
  std::array<member*, roles> now_{};  // who has the role; nullptr: nobody at the moment
  std::map<std::uint64_t, deferred> deferred_;
  std::map<std::uint64_t, pause*> pauses_;
  std::uint64_t numbers_ = 0, plans_ = 0;  // plans_: calls of later() that are to come
};

}  // namespace postbus::ledger
