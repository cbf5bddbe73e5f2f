// world: one run of a seed. Three buses with the brake share a transport, a store and a clock that explores; jobs of user 42 are
// published, started, finished; user 42 is paused and resumed; buses lose the store for a while, are replaced, and hang: such a bus is
// heard of no more, while its handlers go on, and another one takes its place. Whatever comes:
//
//   - once a pause has completed no handler of the user starts, in any bus, until somebody resumes
//   - "paused" is never said while something of the user runs
//   - what runs of a paused user is listed
//   - what is resumed starts in the order in which it was published
//   - in the end every event is acked, and nothing is registered
#pragma once

#include "support/bus.hpp"

#include <postbus/testing/manual_clock.hpp>

#include <boost/json.hpp>

#include <array>
#include <map>
#include <memory>
#include <random>
#include <set>

namespace postbus::tests {

struct tally {
  std::uint64_t starts = 0, pauses = 0, completed = 0, partial = 0, stragglers = 0, unconfirmed = 0,
                lapsed = 0, replaced = 0, hung = 0, refused_publishes = 0;
};

class world {
 public:
  world(std::uint64_t seed, bool tells);
  void run();

  std::vector<std::string> complaints;
  tally seen;
  std::uint64_t hash() const { return clock_.schedule_hash(); }

 private:
  static constexpr std::size_t buses = 3;
  struct kept {
    bus* where;
    std::string topic;
    std::string user;
    settlement answer;
  };
  struct member {
    std::unique_ptr<bus> b;
    std::optional<subscription> s;
    std::map<unsigned, unsigned> last;  // per stretch between pauses: the number that started last
    bool is_away = false;
  };

  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  void open(std::size_t i);
  void handle(std::size_t i, const delivery& d);
  void step();
  void publish(std::string_view user, unsigned n);
  void pause();
  void resume();
  void look();
  void judge(const boost::json::object& status);
  void hear(const delivery& d);
  void finish(std::uint64_t one_of);
  void replace(std::size_t i);
  void hang(std::size_t i);
  void take_from(std::size_t i);
  void away(std::size_t i, bool is_away);
  void end();
  std::optional<boost::json::object> call(std::size_t i, std::string_view method);
  std::size_t running() const;
  void complain(const std::string& what);
  void tell(const std::string& what);

  testing::manual_clock clock_;
  std::mt19937_64 random_;
  const bool tells_;
  std::string instance_, answers_;
  std::unique_ptr<bus> watch_;  // hears of each change as soon as it comes
  std::optional<subscription> changes_;
  std::array<member, buses> members_;
  std::vector<std::unique_ptr<bus>> hung_;
  std::vector<kept> kept_;
  std::set<unsigned> published_, started_, acked_;
  std::set<unsigned> again_;  // delivered more than once: their order is nobody's promise
  std::map<unsigned, unsigned> stretch_of_;
  unsigned numbers_ = 0, stretch_ = 0;
  std::int64_t resumed_ = 0;  // the epoch of the last resume
  bool is_frozen_ = false, resumes_ = false, keeps_ = true;
  bool is_disturbed_ =
      false;  // by the store: what was set aside for that alone is overtaken by what is queued
};

}  // namespace postbus::tests
