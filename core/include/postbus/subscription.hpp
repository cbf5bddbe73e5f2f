// subscription: a live subscription, and how to make one.
#pragma once

#include <postbus/delivery.hpp>

#include <boost/asio/awaitable.hpp>

#include <array>
#include <concepts>
#include <functional>
#include <memory>

namespace postbus {

// Delays between attempts: first, first × factor, … up to max; each drawn uniformly from [0, delay] ("full jitter").
struct backoff {
  std::chrono::nanoseconds first = std::chrono::milliseconds(100);
  double factor = 2;
  std::chrono::nanoseconds max = std::chrono::seconds(30);
};

// At most so many events, and at most so many bytes of their data: whichever is reached first.
struct limit {
  std::uint64_t events, bytes;
};

// What a transport, or the subscription itself, says about a subscription.
struct notice {
  enum kind {
    gap,       // events were missed: the transport could not be heard for a while
    lost,      // the group or stream was set up anew: the subscription's place is gone
    overflow,  // this subscription did not keep up, and discarded events
    ended      // nothing comes any more: given up, for lack of permission for instance
  };
  kind what = gap;
  std::uint64_t missed = 0;                                // events, where it is known
  std::chrono::system_clock::time_point since{}, until{};  // of a gap, where it is known
  std::string reason;
};

// Where a subscription begins.
struct start_point {
  enum kind { new_events, beginning, position, time };
  kind what = new_events;
  std::string behind{};                           // position: the first that comes is the one after it
  std::chrono::system_clock::time_point since{};  // time: the first that comes was published then, or later
};
inline start_point from_beginning() { return {start_point::beginning, {}, {}}; }
inline start_point from_position(std::string_view behind) {
  return {start_point::position, std::string(behind), {}};
}
inline start_point from_time(std::chrono::system_clock::time_point since) {
  return {start_point::time, {}, since};
}

// What becomes of an event that is given up.
enum class dead_letter_policy { keep, off };

// What to discard when a subscription does not keep up, on a transport that has no flow control.
enum class overflow_policy { discard_oldest, discard_newest };

// How to subscribe. What the transport cannot do is refused by subscribe, never ignored.
struct subscribe_options {
  // Competing consumers: each event goes to one member. A group is its name and its pattern, on its transport; members may be in other
  // buses where the transport is shared, with options of their own. Empty: this subscription gets every event from now on.
  std::string group{};
  // Events taken from each of its transports and not settled yet, at most; what is parked (park_max) is not among them. 1 for long
  // jobs.
  unsigned prefetch = 64;
  // Handlers of this subscription running at once: the one handler object is then called from several threads. Above 1 no order is
  // promised, but that of ordered_by. With dispatch = "inline" it stays 1 and does not bind: as many run as threads publish.
  unsigned concurrency = 1;
  // Order by key: partitionkey (the event's ordering key), id, header:NAME, param:NAME, hash (of the data), json:/POINTER (into the
  // data), or a template such as {user}-{job}. Events with the same value are a lane: they run one at a time in their order, and one
  // that waits for its retry holds those behind it, but no other lane. Events without a value share one lane. A group with ordered_by
  // has one member only (error::unsupported for a second). Empty: no lanes; later events go on while one waits for its retry. Not with
  // dispatch = "inline".
  std::string ordered_by{};
  // What is parked, at most: events that wait for their retry, and those that they hold. What is parked gives its credit back, so that
  // others come. At the limit the next ones keep theirs: fewer and fewer others come, and health says so.
  limit park_max{10'000, 64u << 20};
  // Handlers started for one event before it is given up. From the third on it runs alone within its subscription (within its lane, with
  // ordered_by), for it may take down others with it.
  unsigned max_deliveries = 5;
  postbus::backoff backoff{};
  // A handler that takes longer is asked to stop and loses its event: any member of the group gets it, this one included; without a group
  // it is retried here. A late answer is error::lease_lost. 0: no limit. Not with dispatch = "inline".
  std::chrono::nanoseconds handler_timeout{0};

  // On a transport without flow control (refused on others): at most overflow_max wait here. Past that, some are discarded and counted,
  // and on_notice is told.
  std::optional<overflow_policy> overflow{};  // discard_oldest
  limit overflow_max{65'536, 64u << 20};
  // Called on a worker, in order with the deliveries. What it throws is logged.
  std::function<void(const notice&)> on_notice{};

  // The transport to take it from, by its name in the configuration; empty: every transport that a topic of the pattern is routed to.
  std::string transport{};

  // Where to begin, on a transport that remembers (memory does with history_max); refused on others. Of a group only the first member may
  // set it (error::failed for others).
  start_point from{};

  // What becomes of an event that is given up. keep: it is in the dead-letter box of the group (without one: of the pattern) in the store,
  // until somebody sends it back or purges it; refused where there is no store. off: it is only counted and logged. Unset: keep where the
  // configuration names a store, else off.
  std::optional<dead_letter_policy> dead_letters{};

  // How long a transport outside this process leaves a delivery to it without hearing of it (1 s or more). It is renewed while the event is
  // queued here, waits or is handled, so it only ends with the process, or while that is cut off: then others get the event, and a
  // handler that is still at it is asked to stop, and its answer is error::lease_lost. A transport that has no leases leaves it here as
  // long as the process, or its connection, lives.
  std::chrono::nanoseconds lease = std::chrono::seconds(60);
};

// What became of a subscription's deliveries so far. taken_on is the sum of delivery_outcomes and of what is still open.
struct delivery_counts {
  std::uint64_t taken_on = 0;  // deliveries accepted from the transport
  std::uint64_t started = 0;   // handlers started, retries included
  std::uint64_t retried = 0;   // attempts that ended in a retry
  std::uint64_t acked = 0;
  std::uint64_t dropped = 0;     // by a feature
  std::uint64_t expired = 0;     // their ttl was over before a handler could start
  std::uint64_t discarded = 0;   // by `overflow`
  std::uint64_t dead = 0;        // rejected, or max_deliveries reached
  std::uint64_t given_back = 0;  // not started, or timed out, and returned to the transport
  std::uint64_t abandoned = 0;   // still running when close() gave up waiting
};

// The ways a delivery ends, by name.
using delivery_outcome = std::pair<std::string_view, std::uint64_t delivery_counts::*>;
inline constexpr std::array<delivery_outcome, 7> delivery_outcomes{
    {{"acked", &delivery_counts::acked},
     {"dropped", &delivery_counts::dropped},
     {"expired", &delivery_counts::expired},
     {"discarded", &delivery_counts::discarded},
     {"dead", &delivery_counts::dead},
     {"given_back", &delivery_counts::given_back},
     {"abandoned", &delivery_counts::abandoned}}};

namespace detail {

// A handler without its type: a plain function or a coroutine, and the object it runs on.
struct handler {
  using plain = void (*)(void* object, const delivery&);
  // The delivery outlives the coroutine.
  using coroutine = boost::asio::awaitable<void> (*)(void* object, delivery&);

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

  // From the moment it returns no handler of this subscription starts. What was not started is given back. It waits for its plain handlers
  // that run on other threads, unless called from a handler of this bus; never for a suspended coroutine, nor for what close() abandoned.
  // Idempotent.
  void unsubscribe();
  void unsubscribe(error_code&) noexcept;

  // As unsubscribe, without waiting: completes with (error_code) when its last handler and coroutine ended and the transport let go of it.
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
