// subscription: a live subscription, and how to make one.
#pragma once

#include <postbus/delivery.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>

#include <concepts>
#include <memory>

namespace postbus {

// Delays between attempts: first, first × factor, … up to max; each drawn uniformly from [0, delay] ("full jitter").
struct backoff {
  std::chrono::nanoseconds first = std::chrono::milliseconds(100);
  double factor = 2;
  std::chrono::nanoseconds max = std::chrono::seconds(30);
};

// How to subscribe. What the transport cannot do is refused by subscribe, never ignored.
struct subscribe_options {
  // Competing consumers: each event goes to one member. A group is its name and its pattern, on its transport; members may be in other
  // buses where the transport is shared, with options of their own. Empty: this subscription gets every event from now on.
  std::string group{};
  // Events taken from each of its transports and not settled yet, at most. 1 for long jobs.
  unsigned prefetch = 64;
  // Handlers of this subscription running at once: the one handler object is then called from several threads. Above 1 no order is
  // promised. With dispatch = "inline" it stays 1 and does not bind: as many run as threads publish.
  unsigned concurrency = 1;
  // Handlers started for one event before it is given up. While it waits for a retry later events go on.
  unsigned max_deliveries = 5;
  postbus::backoff backoff{};

  // The transport to take it from, by its name in the configuration; empty: every transport that a topic of the pattern is routed to.
  std::string transport{};

  // Not available yet; each is refused by name (error::unsupported) when set.
  std::optional<std::string> from{}, ordered_by{}, overflow{}, dead_letters{};
  std::optional<std::chrono::nanoseconds> lease{}, handler_timeout{};
  std::optional<std::uint64_t> park_max{};
};

// What became of a subscription's deliveries so far. taken_on = acked + dropped + dead + given_back + abandoned + what is still open.
struct delivery_counts {
  std::uint64_t taken_on = 0;  // deliveries accepted from the transport
  std::uint64_t started = 0;   // handlers started, retries included
  std::uint64_t acked = 0;
  std::uint64_t retried = 0;  // attempts that ended in a retry
  std::uint64_t dropped = 0;  // by a feature
  std::uint64_t dead = 0;     // rejected, or max_deliveries reached: counted, logged with the id, and dropped
  std::uint64_t given_back = 0;  // not started, returned to the transport
  std::uint64_t abandoned = 0;   // still running when close() gave up waiting
};

namespace detail {

// A handler without its type: a plain function or a coroutine, and the object it runs on.
struct handler {
  using plain = void (*)(void* object, const delivery&);
  using coroutine = boost::asio::awaitable<void> (*)(void* object,
                                                     delivery&);  // which outlives the coroutine

  std::shared_ptr<void> object;
  plain run = nullptr;
  coroutine spawn = nullptr;
};

class subscription_state;

}  // namespace detail

template <class F>
concept plain_handler = std::is_void_v<std::invoke_result_t<F&, const delivery&>>;
template <class F>
concept coroutine_handler = std::same_as<std::invoke_result_t<F&, delivery>, boost::asio::awaitable<void>>;

// Move-only handle. Destroying it unsubscribes.
class subscription {
 public:
  subscription() noexcept = default;
  subscription(subscription&&) noexcept = default;
  subscription& operator=(subscription&& other) noexcept;
  ~subscription();

  // From the moment it returns no handler of this subscription starts. It waits for its plain handlers running on other threads,
  // unless called from a handler of this bus, never for a suspended coroutine, and not for what close() abandoned. What was not started is given back. Idempotent.
  void unsubscribe();
  void unsubscribe(error_code&) noexcept;

  // As unsubscribe, and completes with (error_code) when its last handler and coroutine ended and the transport let go of it.
  template <boost::asio::completion_token_for<void(error_code)> CompletionToken>
  auto async_unsubscribe(CompletionToken&& token) {
    return boost::asio::async_initiate<CompletionToken, void(error_code)>(
        [this](auto handler) { start_unsubscribe(std::move(handler)); }, token);
  }

  // The handle gives up its hold: the subscription lives as long as the bus.
  void detach() && noexcept { state_.reset(); }

  explicit operator bool() const noexcept { return state_ != nullptr; }
  std::string_view pattern() const noexcept;
  std::string_view group() const noexcept;
  delivery_counts counts() const;

 private:
  friend class bus;
  explicit subscription(std::shared_ptr<detail::subscription_state> state) noexcept
      : state_(std::move(state)) {}
  void start_unsubscribe(boost::asio::any_completion_handler<void(error_code)> handler);
  std::shared_ptr<detail::subscription_state> state_;
};

}  // namespace postbus
