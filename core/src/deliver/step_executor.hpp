// step_executor: the executor that coroutine handlers run on. It is another one with a mark around every step, so that the bus can
// tell a handler that is just starting from one that is suspended, and knows when one of its own threads calls it. Steps are always
// posted, never run inside each other.
#pragma once

#include "engine/threads.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/require.hpp>

#include <memory>

namespace postbus::detail {

class step_executor {
 public:
  step_executor(const boost::asio::any_io_executor& inner, std::shared_ptr<thread_registry> threads)
      : target_(std::make_shared<target>(target{
            boost::asio::require(inner, boost::asio::execution::blocking.never), std::move(threads)})) {}

  template <class F>
  void execute(F&& f) const {
    target_->inner.execute([f = std::forward<F>(f), target = target_]() mutable {
      thread_record& thread = target->threads->mine();
      delivery_state* const outer = thread.running.load(std::memory_order_relaxed);
      ++thread.steps;
      std::move(f)();
      --thread.steps;
      // A delivery that this step started and that is suspended now does not run on this thread any more.
      thread.leave_handler(outer);
    });
  }

  boost::asio::execution_context& query(boost::asio::execution::context_t p) const noexcept {
    return boost::asio::query(target_->inner, p);
  }
  step_executor require(boost::asio::execution::blocking_t::never_t) const noexcept { return *this; }
  static constexpr boost::asio::execution::blocking_t query(boost::asio::execution::blocking_t) noexcept {
    return boost::asio::execution::blocking.never;
  }
  bool operator==(const step_executor& other) const noexcept = default;

 private:
  // Shared, so that the executor is small enough for any_io_executor to hold it without an allocation of its own. A coroutine's
  // timer may hold it for longer than the bus lives.
  struct target {
    boost::asio::any_io_executor inner;
    std::shared_ptr<thread_registry> threads;
  };
  std::shared_ptr<const target> target_;
};

}  // namespace postbus::detail
