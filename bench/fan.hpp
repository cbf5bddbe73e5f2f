// fan: a bus that runs handlers inline, some subscriptions on one topic, and peers that do the same work.
#pragma once

#include <postbus/bus.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace postbus::bench {

inline const std::string fan_topic = "agent:status:42";
inline const std::array<std::byte, 64> fan_data{};

inline config inline_config() { return config().set("transport.dispatch", "inline"); }

// What a peer's handler gets, where ours gets a delivery.
struct payload {
  std::string_view topic;
  bytes_view data;
};

class fan {
 public:
  fan(config c, std::size_t subscribers) : bus_(c) {
    for (std::size_t i = 0; i < subscribers; ++i)
      subscriptions_.push_back(
          bus_.subscribe(fan_topic, [this](const delivery& d) { bytes_ += d.data().size(); }));
  }
  void publish() { bus_.publish(fan_topic, fan_data); }
  void publish_by_handle() { bus_.publish(topic_, fan_data); }
  std::uint64_t bytes() const noexcept { return bytes_; }

 private:
  std::uint64_t bytes_ = 0;
  topic topic_{fan_topic};
  bus bus_;
  std::vector<subscription> subscriptions_;
};

// The floor: a vector of functions.
class function_loop {
 public:
  explicit function_loop(std::size_t subscribers) {
    for (std::size_t i = 0; i < subscribers; ++i)
      functions_.emplace_back([this](const payload& p) { bytes_ += p.data.size(); });
  }
  void publish() const {
    const payload p{fan_topic, fan_data};
    for (const auto& f : functions_) f(p);
  }
  std::uint64_t bytes() const noexcept { return bytes_; }

 private:
  std::uint64_t bytes_ = 0;
  std::vector<std::function<void(const payload&)>> functions_;
};

}  // namespace postbus::bench
