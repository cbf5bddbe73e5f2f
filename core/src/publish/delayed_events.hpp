// delayed_events: publishes that are not due yet, for transports that cannot keep them themselves. They wait within this process.
#pragma once

#include "engine/runtime.hpp"

#include <postbus/error.hpp>
#include <postbus/subscription.hpp>

#include <deque>
#include <mutex>
#include <string_view>
#include <unordered_map>

namespace postbus::detail {

class engine;
struct transport_slot;

class delayed_events {
 public:
  explicit delayed_events(engine& owner) : owner_(owner) {}
  delayed_events(const delayed_events&) = delete;
  delayed_events& operator=(const delayed_events&) = delete;
  ~delayed_events() { cancel_all(); }

  // Whether an event with this delay waits here, for the transport cannot keep it.
  static bool keeps(const transport_slot& to, std::int64_t delay_ns) noexcept;
  void set_bounds(limit most) noexcept { most_ = most; }
  // Takes the event on: it goes to `to` after delay_ns. error::full past the bounds; then it does not. Throws bad_alloc.
  error_code add(event_record& event, transport_slot& to, std::int64_t delay_ns);
  // Those with this id are not published; how many there were.
  std::size_t cancel(std::string_view id);
  std::size_t cancel_all();
  std::size_t size() const;

 private:
  struct waiting {
    waiting(engine& e, event_record& kept, transport_slot& t) : owner(&e), event(kept.keep()), to(&t) {}
    waiting(const waiting&) = delete;
    waiting& operator=(const waiting&) = delete;
    ~waiting() {
      if (event != nullptr) event->release();
    }
    engine* owner;
    event_record* event;
    transport_slot* to;
    runtime::timer_id timer = 0;
  };
  // By the hash of the event's id, so that only who cancels looks at the id itself: among a million that is far away.
  using table = std::unordered_multimap<std::size_t, waiting>;

  static std::size_t hash(std::string_view id) noexcept { return std::hash<std::string_view>()(id); }
  // With the lock held: it does not wait any more.
  table::node_type take_out(const table::value_type& w) noexcept;
  // A timer's done; ctx is the table's entry.
  static void due(void* ctx, std::int32_t status, const void*, const postbus_error*);
  static void publish_due(void* self);
  void publish(waiting& w);

  engine& owner_;
  limit most_{0, 0};
  mutable std::mutex mutex_;  // of what follows
  table all_;
  std::uint64_t bytes_ = 0;
  std::deque<table::node_type> due_;  // to be published
  bool publishes_ = false;            // a worker is asked to
};

}  // namespace postbus::detail
