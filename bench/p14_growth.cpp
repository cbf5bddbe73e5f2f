// P14: more publishers, and more subscriptions of a topic, queued: deliveries a second, all publishers together.
#include "harness.hpp"

#include <postbus/bus.hpp>

#include <algorithm>
#include <array>
#include <barrier>

namespace postbus::bench {
namespace {

class crowd {
 public:
  explicit crowd(std::size_t subscriptions) : handled_(subscriptions) {
    for (counter& mine : handled_)
      subscriptions_.push_back(bus_.subscribe("agent:status:42", [this, &mine](const delivery&) {
        if (++mine.events != wanted_ || --unfinished_ != 0) return;
        unfinished_.notify_one();
      }));
  }

  // Million deliveries a second, of n events to each subscription.
  double rate(std::size_t publishers, std::size_t n) {
    const std::size_t each = n / publishers;
    for (counter& c : handled_) c.events = 0;
    wanted_ = each * publishers;
    unfinished_ = handled_.size();
    std::barrier start(static_cast<std::ptrdiff_t>(publishers) + 1);
    std::vector<std::thread> threads;
    for (std::size_t p = 0; p < publishers; ++p)
      threads.emplace_back([&] {
        bus_.publish("agent:warm:1", data_);
        start.arrive_and_wait();
        for (std::size_t i = 0; i < each; ++i) bus_.publish("agent:status:42", data_);
      });
    start.arrive_and_wait();
    const std::int64_t begin = now_ns();
    for (std::size_t left; (left = unfinished_) != 0;) unfinished_.wait(left);
    const std::int64_t took = now_ns() - begin;
    for (std::thread& t : threads) t.join();
    if (!bus_.wait_until_idle()) broken("P14: the bus does not come to rest");
    return 1e3 * static_cast<double>(wanted_ * handled_.size()) / static_cast<double>(took);
  }

 private:
  struct alignas(64) counter {
    std::size_t events = 0;
  };
  const std::array<std::byte, 64> data_{};
  std::vector<counter> handled_;
  std::size_t wanted_ = 0;
  std::atomic<std::size_t> unfinished_{0};
  bus bus_{config().threads(1)};
  std::vector<subscription> subscriptions_;
};

// Each point beside the best of them.
void add(std::vector<row>& rows, const std::string& id, const std::string& of,
         const std::array<std::size_t, 4>& points, const std::vector<double>& rates) {
  const double best = *std::max_element(rates.begin(), rates.end());
  for (std::size_t i = 0; i < rates.size(); ++i)
    rows.push_back({id + std::to_string(points[i]), "queued, " + std::to_string(points[i]) + of, "M/s",
                    rates[i], "the best of these", best, wanted::ratio_at_least, 0.8});
}

}  // namespace

std::vector<row> p14_growth(const settings& how) {
  const std::size_t n = how.scaled(480'000);
  std::vector<row> rows;
  {
    crowd one(1);
    const auto with = [&](std::size_t publishers) {
      return [&, publishers] { return one.rate(publishers, n); };
    };
    add(rows, "P14.p", " publishers to 1 subscription, deliveries", {1, 2, 4, 8},
        take_turns(how.rounds(), {with(1), with(2), with(4), with(8)}));
  }
  crowd one(1), ten(10), hundred(100);
  const auto with = [&](crowd& c, std::size_t subscriptions) {
    return [&, subscriptions] { return c.rate(1, n / subscriptions); };
  };
  add(rows, "P14.s", " subscriptions of the topic, deliveries", {1, 10, 100, 0},
      take_turns(how.rounds(), {with(one, 1), with(ten, 10), with(hundred, 100)}));
  return rows;
}

}  // namespace postbus::bench
