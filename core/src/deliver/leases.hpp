// leases: the deliveries of one attachment that its transport takes back unless it hears in time that they are still worked on
// (POSTBUS_CAN_LEASE). Every lease is renewed, all in one batch at each third of its length, from the moment its delivery came until it
// is settled: while it is queued, waits for a retry, is kept by a feature, and while its handler runs. One that is lost goes to others:
// if its handler has not started it never does; else it is asked to stop, and its answer is error::lease_lost.
#pragma once

#include "delivery_state.hpp"

#include <chrono>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace postbus::detail {

class leases {
 public:
  static constexpr std::chrono::seconds shortest{1}, usual{60};

  // `of` outlives it.
  leases(attachment& of, std::chrono::nanoseconds length) : of_(of), length_ns_(length.count()) {}

  // The delivery came, with its token.
  void begin(item& i);
  // Its handler is about to start. False: the lease is lost, and others have the event.
  bool start(const item& i);
  // Its handler ended with a retry, and it waits.
  void rest(const item& i);
  // It is another item from now on.
  void hand_over(const item& from, item& to);
  // It is settled now. False: the lease was lost, and the transport wants no answer.
  bool end(const item& i);
  // This long from now, by the wish of its handler. False: it is lost.
  bool extend(const item& i, std::chrono::nanoseconds length);
  // Nothing comes any more.
  void stop();

 private:
  struct lease {
    item* holder;
    std::int64_t until_ns;
    bool is_started = false, is_lost = false;
  };
  struct round;  // of renewals that the transport has not answered yet

  void arm();
  static void tick(void* ctx, std::int32_t status, const void*, const postbus_error*);
  void renew();
  void send(std::unique_ptr<round> r);
  // With the lock held: adds what has to be asked to stop.
  void lose(lease& l, std::vector<item*>& working);
  void take_from(const std::vector<item*>& working);

  attachment& of_;
  const std::int64_t length_ns_;
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, lease> all_;  // by token
  runtime::timer_id timer_ = 0;
  bool is_armed_ = false;
};

}  // namespace postbus::detail
