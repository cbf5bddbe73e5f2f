// delivery: one event on its way through one handler, and the answer that is owed for it.
//
//   return normally                        ack: done with it
//   throw postbus::retry{}                 again, after the backoff (any other exception does the same)
//   throw postbus::retry{after}            again, after this time
//   throw postbus::reject{"no such user"}  never again: given up
//   auto s = delivery.defer()              the answer comes later, from anywhere: s.ack(), s.retry(), s.reject()
//
// retry and reject are std::exceptions: a handler that catches every std::exception has to throw these two on. An event that is given up
// is counted, logged with its id, and kept in the dead-letter box of the group where the configuration names a store
// (subscribe_options::dead_letters).
#pragma once

#include <postbus/event.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/async_result.hpp>

#include <exception>
#include <stop_token>
#include <utility>

namespace postbus {

namespace detail {
struct delivery_state;
struct settlement_access;
}  // namespace detail

// Thrown by a handler: deliver again after `after`; without a value after the subscription's backoff.
struct retry : std::exception {
  retry() noexcept = default;
  explicit retry(std::chrono::nanoseconds delay) noexcept : after(delay) {}
  const char* what() const noexcept override { return "the handler asked for a retry"; }
  std::optional<std::chrono::nanoseconds> after;
};

// Thrown by a handler: this event will never succeed.
struct reject : std::exception {
  explicit reject(std::string why) : reason(std::move(why)) {}
  const char* what() const noexcept override { return reason.c_str(); }
  std::string reason;
};

// The answer for a deferred delivery. Until it is given the delivery is unsettled: it keeps its credit, close() waits for it up to its
// deadline, but it does not count against the subscription's concurrency. Exactly one answer counts: a second one is
// error::already_settled, one after handler_timeout error::lease_lost. An answer is handed over, and reaches the transport in a batch.
// Dropped without an answer it is a retry. Move-only; may be used from any thread; must be gone before its bus is.
class settlement {
 public:
  settlement() noexcept = default;
  settlement(settlement&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  settlement& operator=(settlement other) noexcept { return std::swap(state_, other.state_), *this; }
  ~settlement();

  void ack();
  void ack(error_code&) noexcept;
  // As ack(), and completes with (error_code) when the transport has it, in a message of its own: error::lease_lost when others have the
  // event, error::refused when a feature does not let the ack by, what the transport says when it fails. Takes any completion token, and
  // all errors come through it.
  template <boost::asio::completion_token_for<void(error_code)> CompletionToken>
  auto async_ack(CompletionToken&& token) {
    return boost::asio::async_initiate<CompletionToken, void(error_code)>(
        [this](auto handler) { start_ack(std::move(handler)); }, token);
  }
  // Again after `after`, or after the subscription's backoff.
  void retry(std::optional<std::chrono::nanoseconds> after = {});
  void retry(std::optional<std::chrono::nanoseconds> after, error_code&) noexcept;
  void reject(std::string_view reason);
  void reject(std::string_view reason, error_code&) noexcept;

  // As delivery::stop_requested(): whoever works on it should answer soon. Without a meaning after an answer.
  bool stop_requested() const noexcept;
  std::stop_token stop_token() const;

  // As delivery::extend().
  void extend(std::chrono::nanoseconds lease) const;

  // As delivery::reply().
  void reply(bytes_view data, std::string_view content_type = {}) const;
  void reply_error(std::string_view why) const;

  // The event, for as long as the settlement holds it.
  postbus::event event() const;

 private:
  friend class delivery;
  friend struct detail::settlement_access;
  explicit settlement(detail::delivery_state* state) noexcept : state_(state) {}
  void start_ack(boost::asio::any_completion_handler<void(error_code)> handler);
  detail::delivery_state* state_ = nullptr;
};

// Valid while the handler runs: a plain handler gets a reference, a coroutine its own. All views are valid as long as it is; keep
// event() for longer. It may be used from the handler's thread or coroutine only, but stop_token()'s token from anywhere.
class delivery {
 public:
  delivery(delivery&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  delivery& operator=(delivery&&) = delete;
  ~delivery() = default;

  std::string_view topic() const noexcept;
  std::string_view id() const noexcept;
  std::string_view source() const noexcept;
  std::string_view key() const noexcept;
  std::string_view content_type() const noexcept;
  bytes_view data() const noexcept;
  std::string_view text() const noexcept { return data().text(); }
  // The data parsed as JSON. Include <boost/json.hpp>. Throws postbus::reject when it is none, for a retry would not help; after defer(),
  // when a throw does not settle any more, use event().json().
  boost::json::value json() const;
  std::chrono::system_clock::time_point time() const noexcept;
  std::optional<std::string_view> header(std::string_view name) const noexcept;
  std::vector<postbus::header> headers() const;

  // What {name} of the subscription's pattern captured; empty when the pattern has no such capture. Linear in the pattern.
  std::string_view param(std::string_view name) const noexcept;
  // Handlers started for this event on this subscription, this one included: 1, 2, 3 …
  unsigned attempt() const noexcept;
  // Where the transport keeps it; empty where it does not say.
  std::string_view position() const noexcept;

  // The event for longer than the handler. Costs a copy where the event was lent by the publisher, else a counter.
  postbus::event event() const;

  // Asked to stop: by close() past its deadline, by request_stop(), or by handler_timeout. Work that takes long looks at it between its
  // steps.
  bool stop_requested() const noexcept;
  std::stop_token stop_token() const;

  // Asks the transport to leave it here for so long from now, though it may hear nothing of this process meanwhile: for a handler that
  // stops all its threads. Rarely needed, since leases are renewed by themselves (subscribe_options::lease). Does not wait; nothing where
  // the transport has no leases. Throws error::lease_lost when others have it, or it has its answer.
  void extend(std::chrono::nanoseconds lease) const;

  // The answer is the settlement's from now on: the handler's return or exception does not settle any more. Throws
  // error::already_settled the second time.
  settlement defer() const;

  // Publishes as bus.publish does, and sets the headers causationid and correlationid from this event, and traceparent where it has one.
  receipt publish(std::string_view topic, bytes_view data, const publish_options& options = {}) const;
  receipt publish(std::string_view topic, bytes_view data, const publish_options& options,
                  error_code& ec) const noexcept;
  // Answers a request (bus.request): with data, or with an error and its reason. It does not settle, and does not wait: what fails on the
  // way is logged. The first reply counts; later ones are counted where they arrive, and dropped. Throws error::bad_argument when the event
  // is no request, else what publish throws.
  void reply(bytes_view data, std::string_view content_type = {}) const;
  void reply_error(std::string_view why) const;

  // A JSON body, as bus.publish does.
  template <std::same_as<boost::json::value> Json>
  receipt publish(std::string_view topic, const Json& body, const publish_options& options = {}) const {
    return publish_json(topic, body, options);
  }

 private:
  friend struct detail::delivery_state;
  receipt publish_json(std::string_view topic, const boost::json::value& body,
                       const publish_options& options) const;
  explicit delivery(detail::delivery_state* state) noexcept : state_(state) {}
  detail::delivery_state* state_;
};

}  // namespace postbus
