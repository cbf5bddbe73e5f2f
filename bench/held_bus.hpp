// held_bus: a bus whose handler waits while it is held, so that what is published stays where it waits for its turn.
//
// What is published first and handled then is measured in the CPU time of the whole process: publisher and worker do not wait for each
// other's locks, and what else the machine does hardly counts.
#pragma once

#include "harness.hpp"

#include <postbus/bus.hpp>

namespace postbus::bench {

class held_bus {
 public:
  explicit held_bus(const config& c, std::string_view pattern = "job:*",
                    const subscribe_options& options = {})
      : bus_(c),
        subscription_(bus_.subscribe(
            pattern, [this](const delivery& d) { handle(d); }, options)) {}

  bus& get() noexcept { return bus_; }
  delivery_counts counts() const { return subscription_.counts(); }

  void hold() { held_ = true; }
  void let_go() {
    held_ = false;
    held_.notify_all();
  }
  // Publishes n events by publish(bus, i), `at_once` of them while the handler is held, until all of them were handled and acked: ns of
  // CPU for each.
  template <class Publish>
  double ns_each(std::size_t n, std::size_t at_once, Publish publish) {
    const std::uint64_t acked = counts().acked;
    const std::int64_t begin = process_ns();
    for (std::size_t done = 0; done < n;) {
      const std::size_t end = std::min(n, done + at_once);
      handled_ = 0;
      wanted_ = end - done;
      finished_ = false;
      hold();
      for (; done < end; ++done) publish(bus_, done);
      let_go();
      finished_.wait(false);
    }
    // One more takes back the memory that the last ones left for this thread: else the next round of whoever would.
    handled_ = wanted_ = 0;
    bus_.publish("job:1", {});
    if (!bus_.wait_until_idle()) broken("the bus does not come to rest");
    if (counts().acked - acked != n + 1) broken("an event was not acked");
    return static_cast<double>(process_ns() - begin) / static_cast<double>(n);
  }

 private:
  void handle(const delivery& d) {
    if (held_) {
      const std::stop_callback closing(d.stop_token(), [this] { let_go(); });
      held_.wait(true);
    }
    if (++handled_ != wanted_) return;
    finished_ = true;
    finished_.notify_one();
  }

  std::atomic<bool> held_{false}, finished_{false};
  std::size_t handled_ = 0, wanted_ = 0;  // between rounds the publisher's, in one the handler's
  bus bus_;
  subscription subscription_;
};

// One worker, and no limit in the way.
inline config roomy_config() {
  return config()
      .threads(1)
      .set("log.level", "error")
      .set("transport.queue_max", "4000000")
      .set("transport.queue_bytes_max", "1GiB")
      .set("bus.delayed_max", "4000000")
      .set("bus.delayed_bytes_max", "1GiB");
}

}  // namespace postbus::bench
