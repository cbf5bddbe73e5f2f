// runtime: the time and the threads of one bus. Three kinds: threads of our own, the application's executor, a test's manual clock.
#pragma once

#include "event/event_record.hpp"

#include <postbus/sdk/timer_queue.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <memory>

namespace postbus::testing {
class manual_clock;
}

namespace postbus::detail {

// Something to run on a worker; linked into the queue by itself, so that queueing it allocates nothing.
struct task {
  void (*run)(task*) = nullptr;
  task* next = nullptr;
};

class runtime : public id_source {
 public:
  using timer_id = sdk::timer_queue::id;

  virtual std::int64_t now_ns() noexcept = 0;  // monotonic
  virtual std::int64_t
  coarse_now_ns() noexcept = 0;  // the same, up to a few ms late, for a quarter of the price
  virtual std::int64_t precise_wall_ns() noexcept = 0;  // wall_ns() is up to a few ms late
  // t.run(&t) soon; t must live until then and not be queued twice at once.
  virtual void post(task& t) = 0;
  // done runs after `delay_ns`, with OK, or with CANCELLED from cancel() or stop(). It is short: work is posted.
  virtual timer_id timer(std::int64_t delay_ns, postbus_done done) = 0;
  virtual void cancel(timer_id timer) = 0;
  // For coroutine handlers.
  virtual boost::asio::any_io_executor executor() = 0;
  // Under a manual clock nothing happens while a thread waits: runs what is queued instead.
  virtual bool is_virtual() const noexcept { return false; }
  virtual void run_queued() {}
  // Cancels the timers and ends the threads, once what is queued has run. From a thread that is none of them.
  virtual void stop() = 0;

  // fn(ctx) soon, on a worker. Throws bad_alloc.
  void post(void (*fn)(void* ctx), void* ctx);
};

// `spin`: idle workers look for work without sleeping.
std::unique_ptr<runtime> make_thread_runtime(unsigned threads, bool spin);
std::unique_ptr<runtime> make_executor_runtime(boost::asio::any_io_executor executor);
std::unique_ptr<runtime> make_manual_runtime(testing::manual_clock& clock);

// Of the machine, in ns. The coarse ones cost 6 ns and move every few ms.
std::int64_t steady_ns() noexcept;
std::int64_t coarse_steady_ns() noexcept;
std::int64_t coarse_wall_ns() noexcept;
// xoroshiro128+, one per thread, seeded by the system.
std::uint64_t thread_random() noexcept;

}  // namespace postbus::detail
