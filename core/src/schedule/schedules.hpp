// schedules: events that are published again and again. The records are in the store; each bus keeps a timer for the next time of each,
// and who first enters that time into the store publishes.
//
//   {postbus:schedules}            a hash: NAME → the schedule, as JSON; watched
//   {postbus:schedules}:NAME@T     somebody publishes, or has published, the event of that time
#pragma once

#include "cron.hpp"
#include "engine/runtime.hpp"

#include <postbus/schedule.hpp>

#include <postbus/sdk/store_ops.hpp>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace postbus::detail {

class engine;

class schedules {
 public:
  // What came of a call of the store: its fault, or nothing; and whether it changed something.
  using done = std::function<void(std::string fault, bool changed)>;

  explicit schedules(engine& owner) : owner_(owner) {}

  // Reads the records, and watches them. Where there is a store.
  void start();
  // No time is kept any more, and the store tells nothing.
  void stop();

  // Throws error: bad_argument for what is no schedule, unsupported without a store.
  void set(const std::string& name, const schedule& what, done tell);
  void remove(const std::string& name, done tell);
  std::vector<std::pair<std::string, schedule>> all() const;

 private:
  struct running {
    schedule what;
    std::optional<cron> times;  // else it goes by `every`
    runtime::timer_id timer = 0;
    std::int64_t next_s = 0;
    std::uint64_t number = 0;  // tells it from one of the same name before
  };
  struct tick;

  static std::int64_t next_of(const running& r, std::int64_t after_s);
  void need_store(const std::string& what) const;
  void load(std::function<void(std::string fault)> tell);
  void adopt(std::map<std::string, std::string> records);
  // With the lock held.
  void arm(const std::string& name, running& r);
  static void due(void* ctx, std::int32_t status, const void*, const postbus_error*);
  void take_turn(const tick& t);
  void publish(const std::string& name, const schedule& what, std::int64_t time_s);

  engine& owner_;
  std::uint64_t watch_ = 0;
  mutable std::mutex mutex_;  // of what follows
  bool stopped_ = false;
  std::map<std::string, std::string> records_;
  std::map<std::string, running> running_;
  std::uint64_t numbers_ = 0;
};

}  // namespace postbus::detail
