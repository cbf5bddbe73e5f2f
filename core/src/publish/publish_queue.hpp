// publish_queue: asynchronous publishes that have to wait, in their order, for room or for a transport that is away, and the bound on
// those without their answer.
#pragma once

#include "engine/runtime.hpp"
#include "passage_marks.hpp"
#include "topic_cache.hpp"

#include <postbus/event.hpp>

#include <boost/asio/any_completion_handler.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <mutex>

namespace postbus::detail {

class engine;
struct transport_slot;

inline std::int64_t delay_of(const publish_options& o) noexcept { return o.delay ? o.delay->count() : 0; }

// One asynchronous publish. Owned by the queue, or by the transport through its done.
struct async_publish {
  explicit async_publish(std::shared_ptr<engine> e) : owner(std::move(e)) {}
  async_publish(const async_publish&) = delete;
  async_publish& operator=(const async_publish&) = delete;
  ~async_publish() {
    if (event != nullptr) event->release();
  }

  std::shared_ptr<engine> owner;
  transport_slot* to = nullptr;   // once it is known
  event_record* event = nullptr;  // kept
  std::string wire;
  postbus_bytes slice{};
  postbus_out out{};
  std::int64_t deadline_ns = 0;  // on the runtime's clock
  std::int64_t delay_ns = 0;
  std::uint64_t order = 0;  // among those of its transport
  std::uint64_t cause = 0;  // ticket of the delivery it is published through
  passage_marks marks;      // what the features that let it by are owed
  std::uint32_t at = 0;     // the feature that keeps it, and what that said in the end
  postbus_verdict answer{};
  error_code ec;       // of the checks made before it started
  std::string detail;  // what a feature or the transport says about it
  receipt value;
  // Who hears of it: the token's handler, or a plugin.
  boost::asio::any_completion_handler<void(error_code, receipt)> handler;
  std::function<void(error_code, receipt)> direct;

  // Tells who hears of it, and is gone.
  static void complete(std::unique_ptr<async_publish> self, error_code ec);
};

class publish_queue {
 public:
  static constexpr std::size_t events_max = 65'536, bytes_max = 64u << 20;

  publish_queue(engine& owner, transport_slot& to) : owner_(owner), to_(to) {}

  // Sends it, or lets it wait behind those that wait.
  void start(std::unique_ptr<async_publish> p);
  bool would_wait() {
    const std::lock_guard lock(mutex_);
    return !waiting_.empty() || full_ || away_ || !has_room();
  }

 private:
  bool has_room() const noexcept { return in_flight_ < events_max && bytes_ < bytes_max; }
  void send(std::unique_ptr<async_publish> p);
  static void answered(void* ctx, std::int32_t status, const void* result, const postbus_error* error);
  // Sends what waits, as far as there is room; to a transport that is away, `anyway` of them.
  std::size_t pump(std::size_t anyway = 0);  // returns how many
  void ask_for_room(std::string_view topic);
  // With the lock held: it waits, in its place.
  void put(std::unique_ptr<async_publish> p);
  // With the lock held: after a while the first of those that wait is sent, to see whether the transport is there again.
  void try_later();
  void try_now();
  // With the lock held: a timer for the first deadline among those that wait.
  void arm();
  void expire();

  engine& owner_;
  transport_slot& to_;
  std::mutex mutex_;
  std::deque<std::unique_ptr<async_publish>> waiting_;  // in their order
  std::size_t waiting_bytes_ = 0;
  std::size_t in_flight_ = 0, bytes_ = 0;  // handed to the transport and not answered
  std::uint64_t started_ = 0;
  bool pumping_ = false;
  bool full_ = false;  // the transport said so, and has not said that there is room again
  bool away_ = false;  // it said that it is unavailable, and has taken nothing since
  std::int64_t try_after_ns_ = 0;
  std::int64_t armed_ns_ = INT64_MAX;
};

}  // namespace postbus::detail
