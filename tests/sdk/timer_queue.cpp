// timer_queue: pending timers in the order they are due.
#include "support/catch.hpp"

#include <postbus/sdk/timer_queue.hpp>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

using postbus::sdk::timer_queue;

namespace {

// A done that is told apart by its number.
postbus_done numbered(std::uintptr_t number) { return {nullptr, reinterpret_cast<void*>(number)}; }
std::uintptr_t number_of(const std::optional<postbus_done>& done) {
  return done ? reinterpret_cast<std::uintptr_t>(done->ctx) : 0;
}
std::vector<std::uintptr_t> all_due(timer_queue& queue, std::int64_t now) {
  std::vector<std::uintptr_t> numbers;
  while (const auto due = queue.pop_due(now)) numbers.push_back(number_of(due));
  return numbers;
}

}  // namespace

TEST_CASE("timers come in the order they are due, and not before", "[timer_queue]") {
  timer_queue queue;
  for (const std::int64_t deadline : {30, 10, 50, 20, 40})
    queue.add(deadline, numbered(static_cast<std::uintptr_t>(deadline)));
  CHECK(queue.next() == 10);
  CHECK(all_due(queue, 9).empty());
  CHECK(all_due(queue, 30) == std::vector<std::uintptr_t>{10, 20, 30});
  CHECK(queue.size() == 2);
  CHECK(queue.next() == 40);
}

TEST_CASE("timers of one moment come in the order they were added", "[timer_queue]") {
  timer_queue queue;
  std::vector<std::uintptr_t> added;
  for (std::uintptr_t i = 1; i <= 100; ++i) {
    queue.add(7, numbered(i));
    added.push_back(i);
  }
  CHECK(all_due(queue, 7) == added);
}

TEST_CASE("a timer that is cancelled gives its done back, once, and never comes", "[timer_queue]") {
  timer_queue queue;
  const auto first = queue.add(1, numbered(1));
  const auto second = queue.add(2, numbered(2));
  CHECK(number_of(queue.cancel(first)) == 1);
  CHECK(!queue.cancel(first));
  CHECK(all_due(queue, 9) == std::vector<std::uintptr_t>{2});
  CHECK(!queue.cancel(second));
}

TEST_CASE("the id of an old timer does not cancel the one in its place", "[timer_queue]") {
  timer_queue queue;
  const auto old = queue.add(1, numbered(1));
  REQUIRE(queue.pop_due(1));
  const auto now = queue.add(1, numbered(2));
  CHECK(now != old);
  CHECK(!queue.cancel(old));
  CHECK(!queue.cancel(0));
  CHECK(!queue.cancel(timer_queue::id{1} << 32 | 99));
  CHECK(number_of(queue.cancel(now)) == 2);
}

TEST_CASE("an empty queue has nothing due, ever", "[timer_queue]") {
  timer_queue queue;
  CHECK(queue.next() == INT64_MAX);
  CHECK(queue.size() == 0);
  CHECK(!queue.pop());
  queue.add(INT64_MAX, numbered(1));
  CHECK(number_of(queue.pop()) == 1);
}

TEST_CASE("a queue does what a sorted list does, whatever is added, cancelled and taken", "[timer_queue]") {
  std::mt19937 random(1);
  timer_queue queue;
  std::multimap<std::int64_t, std::uintptr_t> model;  // equal keys stay in the order they came
  std::map<std::uintptr_t, timer_queue::id> ids;
  std::uintptr_t made = 0;
  for (int step = 0; step < 20'000; ++step) {
    const std::uint32_t choice = random() % 8;
    if (choice < 4) {
      const std::int64_t deadline = random() % 50;
      model.emplace(deadline, ++made);
      ids[made] = queue.add(deadline, numbered(made));
    } else if (choice < 6 && made != 0) {
      const std::uintptr_t which = 1 + random() % made;
      const auto at =
          std::find_if(model.begin(), model.end(), [&](const auto& t) { return t.second == which; });
      REQUIRE(number_of(queue.cancel(ids[which])) == (at == model.end() ? 0 : which));
      if (at != model.end()) model.erase(at);
    } else {
      const std::int64_t now = random() % 50;
      const bool due = !model.empty() && model.begin()->first <= now;
      REQUIRE(number_of(queue.pop_due(now)) == (due ? model.begin()->second : 0));
      if (due) model.erase(model.begin());
    }
    REQUIRE(queue.size() == model.size());
    REQUIRE(queue.next() == (model.empty() ? INT64_MAX : model.begin()->first));
  }
}
