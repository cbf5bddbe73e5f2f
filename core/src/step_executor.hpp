// step_executor: the executor that coroutine handlers run on. It is another one with a mark around every step, so that the bus can
// tell a handler that is just starting from one that is suspended, and knows when one of its own threads calls it.
#pragma once

#include "threads.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/require.hpp>

namespace postbus::detail {

class step_executor {
 public:
  step_executor(boost::asio::any_io_executor inner, std::shared_ptr<thread_registry> threads) noexcept
      : inner_(std::move(inner)), threads_(std::move(threads)) {}

  template <class F>
  void execute(F&& f) const {
    inner_.execute([f = std::forward<F>(f), threads = threads_]() mutable {
      thread_record& thread = threads->mine();
      delivery_state* const outer = thread.running.load(std::memory_order_relaxed);
      ++thread.steps;
      std::move(f)();
      --thread.steps;
      // A delivery that this step started and that is suspended now does not run on this thread any more.
      thread.leave_handler(outer);
    });
  }

  template <class Property>
    requires boost::asio::can_query<const boost::asio::any_io_executor&, Property>::value
  decltype(auto) query(const Property& p) const {
    return boost::asio::query(inner_, p);
  }
  template <class Property>
    requires boost::asio::can_require<const boost::asio::any_io_executor&, Property>::value
  step_executor require(const Property& p) const {
    return {boost::asio::require(inner_, p), threads_};
  }
  template <class Property>
    requires boost::asio::can_prefer<const boost::asio::any_io_executor&, Property>::value
  step_executor prefer(const Property& p) const {
    return {boost::asio::prefer(inner_, p), threads_};
  }
  bool operator==(const step_executor& other) const noexcept { return inner_ == other.inner_; }
  bool operator!=(const step_executor& other) const noexcept { return !(*this == other); }

 private:
  boost::asio::any_io_executor inner_;
  std::shared_ptr<thread_registry> threads_;  // a coroutine's timer may hold a copy for longer than the bus lives
};

}  // namespace postbus::detail
