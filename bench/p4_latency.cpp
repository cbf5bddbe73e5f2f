// P4: from publish to the handler on another thread, one event every 50 µs.
#include "harness.hpp"

#include <postbus/bus.hpp>

#include <concurrentqueue/blockingconcurrentqueue.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace postbus::bench {
namespace {

constexpr std::int64_t interval_ns = 50'000;

struct stamped {
  std::int64_t sent_ns = 0;
  std::array<std::byte, 56> rest{};
};

// What one round measured, and when it is complete.
class samples {
 public:
  void expect(std::size_t n) {
    us_.clear();
    us_.reserve(n);
    complete_ = false;
    wanted_ = n;
  }
  void take(const void* data) {
    std::int64_t sent = 0;
    std::memcpy(&sent, data, sizeof sent);
    us_.push_back(static_cast<double>(now_ns() - sent) / 1e3);
    if (us_.size() != wanted_) return;
    complete_ = true;
    complete_.notify_one();
  }
  double wait_for_percentile(double share) {
    complete_.wait(false);
    const auto at = us_.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(us_.size() - 1));
    std::nth_element(us_.begin(), at, us_.end());
    return *at;
  }

 private:
  std::vector<double> us_;
  std::size_t wanted_ = 0;
  std::atomic<bool> complete_{false};
};

// Sends n events at their times. The producer looks at the clock without sleeping, so that its own waking up is no part of it.
template <class Send>
void pace(std::size_t n, Send send) {
  std::int64_t next = now_ns() + interval_ns;
  for (std::size_t i = 0; i < n; ++i, next += interval_ns) {
    std::int64_t now = now_ns();
    if (now > next + 20 * interval_ns) next = now;  // it was preempted: no burst to catch up
    while (now < next) now = now_ns();
    stamped s;
    s.sent_ns = now_ns();
    send(s);
  }
}

struct percentiles {
  double p50 = 0, p99 = 0;
};

class contestant {
 public:
  contestant() = default;
  contestant(const contestant&) = delete;
  contestant& operator=(const contestant&) = delete;
  virtual ~contestant() = default;
  virtual void send(const stamped& s) = 0;

  double round(std::size_t n) {
    samples_.expect(n);
    pace(n, [&](const stamped& s) { send(s); });
    const double p50 = samples_.wait_for_percentile(0.5);
    p99_.push_back(samples_.wait_for_percentile(0.99));
    return p50;
  }
  // The median over the rounds, the first one left out.
  double p99() const { return median({p99_.begin() + 1, p99_.end()}); }

 protected:
  samples samples_;

 private:
  std::vector<double> p99_;
};

class on_bus : public contestant {
 public:
  explicit on_bus(const char* wait) : bus_(config().threads(1).set("bus.wait", wait)) {}
  void send(const stamped& s) override { bus_.publish("agent:status:42", {&s, sizeof s}); }

 private:
  bus bus_;
  subscription subscription_ =
      bus_.subscribe("agent:status:42", [this](const delivery& d) { samples_.take(d.data().data()); });
};

class on_moodycamel : public contestant {
 public:
  ~on_moodycamel() override {
    queue_.enqueue({});
    consumer_.join();
  }
  void send(const stamped& s) override { queue_.enqueue(s); }

 private:
  moodycamel::BlockingConcurrentQueue<stamped> queue_;
  std::thread consumer_{[this] {
    for (stamped s;;) {
      queue_.wait_dequeue(s);
      if (s.sent_ns == 0) return;
      samples_.take(&s);
    }
  }};
};

}  // namespace

std::vector<row> p4_latency(const settings& how) {
  const std::size_t n = how.scaled(8'000);
  std::vector<row> rows;
  {
    on_bus ours("sleep");
    on_moodycamel peer;
    const auto p50 = take_turns(how.rounds(), {[&] { return ours.round(n); }, [&] { return peer.round(n); }});
    const char* name = "moodycamel Blocking";
    rows = {
        {"P4.p50", "one-way latency at 20k/s, p50", "us", p50[0], name, p50[1], wanted::ratio_at_most, 1.1},
        {"P4.p99", "one-way latency at 20k/s, p99", "us", ours.p99(), name, peer.p99(), wanted::ratio_at_most,
         1.1}};
  }
  on_bus spinning("spin");
  const auto p50 = take_turns(how.rounds(), {[&] { return spinning.round(n); }});
  rows.push_back(
      {"P4.spin", "the same with wait = spin, p50", "us", p50[0], "", {}, wanted::value_at_most, 1});
  return rows;
}

}  // namespace postbus::bench
