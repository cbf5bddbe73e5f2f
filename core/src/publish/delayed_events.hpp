// delayed_events: publishes that are not due yet, for transports that cannot keep them themselves. They wait within this process.
#pragma once

#include "engine/runtime.hpp"

#include <postbus/error.hpp>
#include <postbus/subscription.hpp>

#include <mutex>
#include <string_view>
#include <unordered_set>

namespace postbus::detail {

class engine;
struct transport_slot;

class delayed_events {
 public:
  explicit delayed_events(engine& owner) : owner_(owner) {}
  delayed_events(const delayed_events&) = delete;
  delayed_events& operator=(const delayed_events&) = delete;
  ~delayed_events() { cancel_all(); }

  void set_bounds(limit most) noexcept { most_ = most; }
  // Takes the event on: it goes to `to` after delay_ns. error::full past the bounds; then it does not. Throws bad_alloc.
  error_code add(event_record& event, transport_slot& to, std::int64_t delay_ns);
  // Those with this id are not published; how many there were.
  std::size_t cancel(std::string_view id);
  std::size_t cancel_all();
  std::size_t size() const;

 private:
  struct waiting {
    engine* owner;
    event_record* event;  // kept
    transport_slot* to;
    runtime::timer_id timer;
    ~waiting() { event->release(); }
    std::string_view id() const noexcept { return {event->id.ptr, event->id.len}; }
  };
  struct by_id {
    using is_transparent = void;
    static std::string_view id(std::string_view s) noexcept { return s; }
    static std::string_view id(const waiting* w) noexcept { return w->id(); }
    std::size_t operator()(const auto& w) const noexcept { return std::hash<std::string_view>()(id(w)); }
    bool operator()(const auto& a, const auto& b) const noexcept { return id(a) == id(b); }
  };

  // With the lock held: it does not wait any more.
  void take_out(const waiting& w) noexcept;
  static void due(void* ctx, std::int32_t status, const void*, const postbus_error*);
  static void publish(void* ctx);

  engine& owner_;
  limit most_{0, 0};
  mutable std::mutex mutex_;  // of what follows
  std::unordered_multiset<waiting*, by_id, by_id> all_;
  std::uint64_t bytes_ = 0;
};

}  // namespace postbus::detail
