// B.brake: the brake. What a backlog of a paused user costs the others; and how soon after a pause the last handler starts.
#include "harness.hpp"

#include <postbus/brake.hpp>

#include <algorithm>

namespace postbus::bench {
namespace {

constexpr unsigned prefetch = 64;
constexpr std::size_t backlog = 10 * prefetch;

// Handles jobs; the events of user 42 come from a bus that knows nothing of the brake, so that they come though he is paused.
class braked_bus {
 public:
  explicit braked_bus(const std::string& instance, const char* queue_max = "65536")
      : bus_(config()
                 .threads(1)
                 .feature("brake")
                 .set("transport.instance", instance)
                 .set("transport.queue_max", queue_max)
                 .set("store.plugin", "memory-store")
                 .set("plugin.brake.topics", "[\"jobs:{user_id}\"]")
                 .set("plugin.brake.key", "param:user_id")),
        other_(config().threads(1).set("transport.instance", instance).set("transport.queue_max", queue_max)),
        jobs_(bus_.subscribe("jobs:{user_id}", [this](const delivery& d) {
          if (d.param("user_id") == "42") last_start_ns_ = now_ns();
          else if (++done_ == wanted_) done_.notify_one();
        })) {}

  void park() {
    brake(bus_).pause(brake::key("42"));
    for (std::size_t n = 0; n < backlog; ++n) other_.publish("jobs:42", "x");
    while (jobs_.counts().taken_on < backlog) std::this_thread::yield();
  }
  // Millions of another user's jobs a second.
  double others(std::size_t n) {
    wanted_ = done_ + n;
    const std::int64_t begin = now_ns();
    for (std::size_t i = 0; i < n; ++i) bus_.publish("jobs:7", "x");
    for (std::uint64_t seen = done_; seen != wanted_; seen = done_) done_.wait(seen);
    return 1e3 * static_cast<double>(n) / static_cast<double>(now_ns() - begin);
  }
  // us from the call of pause to the last start, while jobs come as fast as they can.
  double last_start() {
    std::atomic<bool> over{false};
    std::thread publisher([&] {
      publish_options at_once;
      at_once.deadline = std::chrono::nanoseconds(0);
      for (error_code ec; !over;)
        other_.publish("jobs:42", "x", at_once, ec);  // as many as there is room for
    });
    const std::int64_t before = last_start_ns_;
    while (last_start_ns_ == before) std::this_thread::yield();
    const std::int64_t begin = now_ns();
    const auto r = brake(bus_).pause(brake::key("42"));
    over = true;
    publisher.join();
    if (!r.unconfirmed.empty()) broken("B.brake: a pause was not confirmed");
    while (brake(bus_).status(brake::key("42")).state != brake::paused) std::this_thread::yield();
    // One that had started when the pause completed may look at the clock later, and is listed until it has ended.
    const std::int64_t paused_ns = now_ns();
    const std::int64_t last = last_start_ns_;
    if (last > paused_ns) broken("B.brake: a handler started after it was paused");
    brake(bus_).resume(brake::key("42"));
    if (!bus_.wait_until_idle()) broken("B.brake: what was set aside did not come back");
    return static_cast<double>(std::max<std::int64_t>(0, last - begin)) / 1e3;
  }

 private:
  std::atomic<std::int64_t> last_start_ns_{0};
  std::uint64_t wanted_ = 0;
  std::atomic<std::uint64_t> done_{0};
  bus bus_, other_;
  subscription jobs_;
};

}  // namespace

std::vector<row> b_brake(const settings& how) {
  braked_bus paused("b-brake-paused"), plain("b-brake-plain"), pulled("b-brake-pulled", "256");
  paused.park();
  const std::size_t n = how.scaled(100'000);
  const auto rate =
      take_turns(how.rounds(), {[&] { return paused.others(n); }, [&] { return plain.others(n); }});
  std::vector<double> us;
  for (std::size_t k = 0; k < how.scaled(1'000); ++k) us.push_back(pulled.last_start());
  std::sort(us.begin(), us.end());
  const double p50 = us[us.size() / 2], p99 = us[us.size() * 99 / 100];
  return {{"B.brake.others", "another user's jobs, with 640 of a paused one set aside", "M/s", rate[0],
           "none set aside", rate[1], wanted::ratio_at_least, 0.95},
          {"B.brake.p50",
           "from pause() to the last start of the user, jobs coming all the time",
           "us",
           p50,
           "",
           {},
           wanted::value_at_most,
           1'000},
          {"B.brake.p99", "the same, of 99 pauses in 100", "us", p99, "", {}, wanted::value_at_most, 10'000}};
}

}  // namespace postbus::bench
