// held_back: one subscription, between the wrapped transport and the bus: deliveries that are late, that others overtake, or that wait
// for the link. They have credit, so they may come whenever they like; and before the subscription ends they all do.
#pragma once

#include "link.hpp"

#include <postbus/sdk/transport.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace postbus::faults {

class held_back : public std::enable_shared_from_this<held_back> {
 public:
  // Without bounded credit handlers run inside deliver(), and nothing is held back.
  held_back(sdk::context& ctx, plan& faults, link& way, const sdk::sink& to, bool has_credit);
  ~held_back();

  // For the wrapped transport.
  const postbus_sink* sink() const noexcept { return &sink_; }
  // The wrapped transport's own.
  void* wrapped = nullptr;

  // The link is there again: what waited for it goes on, and then the subscriber hears of the gap.
  void come_back(std::int64_t since_ns);
  // Everything goes on; from now on nothing is held back.
  void close();

 private:
  enum class until { due, next, back };  // its timer; the next delivery, or its timer; the link
  struct delivery;

  void deliver(std::span<const postbus_delivery> all);
  void notice(const postbus_notice& what);
  // False: it cannot be held back.
  bool hold(const postbus_delivery& d, until end);
  void pass(const postbus_delivery& d) const noexcept { to_.deliver(d); }
  void let_go(const std::function<bool(const delivery&)>& which);
  void let_go_locked(const std::function<bool(const delivery&)>& which);

  sdk::context& ctx_;
  plan& plan_;
  link& link_;
  const sdk::sink to_;
  const bool has_credit_;
  const postbus_sink sink_;
  std::atomic<std::size_t> count_{0};  // of held_
  // Held while a delivery is handed on, which only queues it: once close() has it, none is under way.
  std::mutex mutex_;
  std::vector<std::unique_ptr<delivery>> held_;
  std::uint64_t last_ = 0;
  bool closed_ = false;
};

}  // namespace postbus::faults
