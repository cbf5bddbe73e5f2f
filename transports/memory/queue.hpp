// queue: what one subscription, or one group, has been sent and not yet been given. It hands events to members that have credit and
// keeps the others, up to its limits.
//
// It delivers without its lock, so that publishers need not wait for that; one thread at a time hands out, and what others add
// meanwhile it hands out too: that keeps the order. A member with unlimited credit runs handlers inside deliver(), on whichever threads
// publish.
#pragma once

#include "ring.hpp"

#include <postbus/sdk/spin_mutex.hpp>
#include <postbus/sdk/transport.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace postbus::memory {

class queue;

// A subscription of a bus.
struct member {
  sdk::context* ctx = nullptr;  // of the bus it belongs to
  sdk::sink to;
  queue* from = nullptr;
  std::uint32_t credit = 0;
  bool unlimited = false;
  bool is_ordered = false;  // by a key: it shares a group with nobody
  bool open = true;         // false once it takes no more
};

struct limits {
  std::size_t events = 0, bytes = 0;
};

// An event that waits, and where it stands in the history; 0: there is none.
struct queued {
  const postbus_event* event = nullptr;
  std::uint64_t position = 0;
};

// An event in a group's hands: queued, or with a member that has not settled it.
struct held {
  const postbus_event* event = nullptr;
  std::uint64_t position = 0;
  std::uint64_t number = 0;   // in the order in which they came
  std::uint32_t attempt = 0;  // handlers started for it
  member* with = nullptr;     // whose it is until it is settled
  queue* in = nullptr;
  held *before = nullptr, *after = nullptr;  // among those with members
};

class queue {
 public:
  queue(bool is_group, limits most) : is_group_(is_group), most_(most) {}
  queue(const queue&) = delete;
  queue& operator=(const queue&) = delete;

  bool is_group() const noexcept { return is_group_; }
  // Where set, the only member: it takes everything at once and settles nothing, so that publish may call its sink without this queue.
  const member* direct() const noexcept { return direct_.load(std::memory_order_acquire); }
  bool is_full() const noexcept { return full_.load(std::memory_order_relaxed); }

  // Whether it may join those that are there.
  bool takes(const member& m) const;
  void join(member& m);
  // No delivery to it begins any more; it may still settle.
  void quiesce(member& m);
  // After quiesce: what it has not settled goes to the others. `ctx` is that of the caller, as everywhere below: any bus of this
  // process may let go of an event.
  void leave(member& m, sdk::context& ctx);

  // Takes the events, at most 64, in order; the first is at `position`, those behind it at the next ones.
  void push(std::span<const postbus_out* const> events, sdk::context& ctx, std::uint64_t position = 0);
  // Takes one of the past, whatever the limits are; hands out nothing.
  void remember(const postbus_event& event, std::uint64_t position, sdk::context& ctx);
  // These return true when there is room again where there was none.
  bool credit(member& m, std::uint32_t n, sdk::context& ctx);
  bool settle(held& h, const postbus_settle& how, sdk::context& ctx);
  bool clear(sdk::context& ctx);

  struct load {
    std::size_t members = 0, events = 0, bytes = 0;
  };
  load look() const noexcept;
  // How many more events it queues than at the last call.
  std::int64_t size_change() noexcept;

 private:
  using lock = std::unique_lock<sdk::spin_mutex>;

  member* next_with_credit() noexcept;
  void hand_out(lock& locked, sdk::context& ctx);
  held& take_up(const postbus_event* kept, std::uint64_t position);
  void put_away(held& h, sdk::context& ctx) noexcept;
  void unlink(held& h) noexcept;
  void give_back(held& h);
  bool look_for_room() noexcept;
  std::size_t size() const noexcept {
    return is_group_ ? waiting_.size() + given_back_.size() : kept_.size();
  }
  held& take_first();
  // Unlocks while it calls the member, and lets go of the events with `releases` if there is one. Returns the bytes of their data, which
  // another core wrote: they are looked at without the lock, or those who publish wait for that.
  std::size_t deliver(lock& locked, member& m, std::span<const postbus_delivery> deliveries,
                      sdk::context* releases);
  // Fills deliveries from the front of what waits, as far as the member's share and credit go.
  template <class Texts>
  std::size_t take_for(member& m, std::span<postbus_delivery> deliveries, Texts& texts);

  const bool is_group_;
  const limits most_;
  std::atomic<const member*> direct_{nullptr};
  std::atomic<bool> full_{false}, backlog_{false};
  mutable sdk::spin_mutex mutex_;
  std::vector<member*> members_;
  std::size_t turn_ = 0;  // whose it is, among members with credit
  ring<held*> waiting_;   // of a group
  std::vector<held*>
      given_back_;  // a heap, the one that came first on top: they go out again in the order in which they came
  std::uint64_t taken_up_ = 0;
  ring<queued> kept_;  // of one subscription: it has no use for more
  std::size_t bytes_ = 0;
  std::int64_t reported_ = 0;
  bool handing_out_ = false;
  held* with_members_ = nullptr;  // linked by before and after
  held* spare_ = nullptr;         // linked by after
  std::vector<std::unique_ptr<held[]>> all_;
};

}  // namespace postbus::memory
