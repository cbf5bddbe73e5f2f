// deferring_bus: a bus whose handler takes along the settlement of the first event of each key, so that with an order by key each
// holds its lane.
#pragma once

#include "held_bus.hpp"

#include <array>
#include <deque>

namespace postbus::bench {

class deferring_bus {
 public:
  // `ordered_by` as a subscription has it.
  deferring_bus(std::size_t keys, std::string_view ordered_by) : keys_(keys), options_(keys) {
    for (std::size_t i = 0; i < keys; ++i) options_[i].key = names_.emplace_back(std::to_string(i));
    taken_.reserve(keys);
    subscribe_options how;
    how.ordered_by = ordered_by;
    how.prefetch = 4'000'000;
    subscription_ = bus_.subscribe(
        "job:*", [this](const delivery& d) { handle(d); }, how);
  }

  bus& get() noexcept { return bus_; }
  std::size_t keys() const noexcept { return keys_; }

  // One event of each key, and so on, `rounds` times; returns when the first of each key was taken along.
  void fill(std::size_t rounds) {
    all_taken_ = false;
    acked_ = subscription_.counts().acked + rounds * keys_;
    for (; rounds > 0; --rounds)
      for (const publish_options& o : options_) bus_.publish("job:1", data_, o);
    all_taken_.wait(false);
  }
  // Acks them; returns when that, and what waited behind them, is done.
  void drain() {
    for (settlement& s : taken_) s.ack();
    if (!bus_.wait_until_idle() || subscription_.counts().acked != acked_) broken("an event was not acked");
    taken_.clear();
  }

 private:
  void handle(const delivery& d) {
    if (taken_.size() == keys_) return;
    taken_.push_back(d.defer());
    if (taken_.size() < keys_) return;
    all_taken_ = true;
    all_taken_.notify_one();
  }

  const std::size_t keys_;
  const std::array<std::byte, 64> data_{};
  std::deque<std::string> names_;
  std::vector<publish_options> options_;
  std::vector<settlement> taken_;  // the handler's, until all are taken; then the others'
  std::atomic<bool> all_taken_{false};
  std::uint64_t acked_ = 0;
  bus bus_{roomy_config()};
  subscription subscription_;
};

}  // namespace postbus::bench
