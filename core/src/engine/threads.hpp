// threads: what a bus knows of every thread that uses it, and how to wait for them.
//
// A thread that publishes or runs handlers has a thread_record. It says on its record, with plain stores, that it is inside the
// hot path and which delivery it runs. Who must know for sure (unsubscribe, close, in_flight, a plugin's grace period) pays instead:
// one membarrier system call makes those plain stores visible in order. This is the asymmetric fence of RCU implementations
// (Desnoyers et al., "User-Level Implementations of Read-Copy Update", IEEE TPDS 2012); where the kernel has no membarrier the
// record's stores become full fences.
#pragma once

#include "deadline.hpp"
#include "publish/topic_cache.hpp"
#include "tally.hpp"

#include <postbus/plugin.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace postbus::detail {

struct delivery_state;
class thread_registry;

struct thread_record {
  // Odd while the thread is in the hot path of its bus.
  std::atomic<std::uint64_t> passage{0};
  unsigned depth = 0;
  // The innermost delivery whose handler runs on this thread; its `outer` leads to those around it.
  std::atomic<delivery_state*> running{nullptr};
  // How many wait for this thread; it calls attend() at the end of a passage or handler while there are some.
  std::atomic<unsigned> attention{0};

  topic_cache topics;
  tally_sheet tallies;
  unsigned steps = 0;  // of coroutine handlers, running on this thread now
  std::string wire;    // reused for encoding
  std::string detail;  // of the last publish on this thread that a feature or the transport refused
  thread_registry* registry = nullptr;
  bool in_use = true;
  std::atomic<std::uint64_t> published{0};                // events confirmed
  std::uint64_t next_ticket = 0;                          // of the next item that features are asked about
  std::uint64_t id_seed = 0, id_count = 0;                // for ids that are made only if somebody asks
  std::uint32_t until_timed = 1, until_timed_decode = 1;  // events until the next one that is timed
  std::int64_t inline_since_ns = 0;  // when the passage began, for the handlers that run inside it

  inline void enter_handler(delivery_state& delivery) noexcept;
  inline void leave_handler(delivery_state* outer) noexcept;
};

class thread_registry {
 public:
  thread_registry();
  ~thread_registry();
  thread_registry(const thread_registry&) = delete;
  thread_registry& operator=(const thread_registry&) = delete;

  // The calling thread's record.
  thread_record& mine() {
    if (last_used_.serial == serial_) [[likely]]
      return *last_used_.record;
    return find_mine();
  }
  // The calling thread's record if it has one.
  thread_record* mine_if_any() noexcept;

  // Order the store before it against the load after it, when the other side calls heavy_fence().
  static void light_fence() noexcept {
    if (asymmetric_) [[likely]]
      std::atomic_signal_fence(std::memory_order_seq_cst);
    else full_fence();
  }
  static void heavy_fence() noexcept;
  static void full_fence() noexcept;

  // done runs once every passage that is under way now has ended, the caller's own too; perhaps before this returns.
  void grace_period(postbus_done done);

  // Waits until over(record) holds for each thread that there is now.
  void wait_for_all(const std::function<bool(const thread_record&)>& over);
  // Waits until every passage that is under way now has ended; false if the deadline passed before. From outside of any.
  bool quiet_until(const deadline& end);
  // For who waits here: its deadline was brought forward.
  void look_at_the_time_again();

  // Calls f(record) for each thread; while it does, no delivery that f can see through record.running ends.
  void inspect(const std::function<void(thread_record&)>& f);

  // At the end of a passage or handler, when record.attention asks for it.
  void attend();

 private:
  friend struct thread_records_of_this_thread;
  struct pending {
    postbus_done done;
    std::vector<std::pair<thread_record*, std::uint64_t>> under_way;
  };
  struct cached {
    std::uint64_t serial = 0;
    thread_record* record = nullptr;
  };

  thread_record& find_mine();
  // Under the lock: until over(), looked at whenever a thread ends a passage or a handler.
  bool wait(std::unique_lock<std::mutex>& lock, const deadline& end, const std::function<bool()>& over);
  std::vector<std::pair<thread_record*, std::uint64_t>> passages_under_way() const;
  void leave(thread_record& record);  // the thread ends
  std::vector<postbus_done> collect_ended();
  void ask_all(int change);

  static const bool asymmetric_;
  static thread_local constinit cached last_used_;

  const std::uint64_t serial_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<thread_record>> records_;
  std::vector<pending> pending_;
};

// Before looking whether the delivery may start, so that who closes its subscription either is seen or sees it.
void thread_record::enter_handler(delivery_state& delivery) noexcept {
  running.store(&delivery, std::memory_order_release);
  thread_registry::light_fence();
}
// Before the delivery ends.
void thread_record::leave_handler(delivery_state* outer) noexcept {
  running.store(outer, std::memory_order_release);
  thread_registry::light_fence();
  if (attention.load(std::memory_order_acquire) != 0) registry->attend();
}

// The calling thread is in the hot path for the lifetime of this object.
class passage {
 public:
  explicit passage(thread_record& record) noexcept : record_(record) { enter(); }
  passage(const passage&) = delete;
  passage& operator=(const passage&) = delete;
  ~passage() { leave(); }
  // Ends it early; enter() begins another. What was looked up inside is not to be used after leave().
  void leave() noexcept {
    if (!std::exchange(inside_, false) || --record_.depth != 0) return;
    record_.passage.store(record_.passage.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    thread_registry::light_fence();
    if (record_.attention.load(std::memory_order_acquire) != 0) record_.registry->attend();
  }
  void enter() noexcept {
    inside_ = true;
    if (record_.depth++ != 0) return;
    record_.passage.store(record_.passage.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    thread_registry::light_fence();
  }

 private:
  thread_record& record_;
  bool inside_ = false;
};

}  // namespace postbus::detail
