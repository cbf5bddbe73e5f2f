// bus: subscribe, publish, unsubscribe, close.
//
//   postbus::bus bus;                                               // or bus{postbus::config::from_file("fleet.toml")}
//   auto s = bus.subscribe("job:{user}:**", [](const postbus::delivery& d) { … });
//   bus.publish("job:42:start", "{}");
//   bus.close();                                                    // or let it go out of scope
//
// Every function may be called from any thread, and from handlers where it does not say otherwise. A coroutine counts as a handler
// whenever it runs, after each co_await too.
#pragma once

#include <postbus/config.hpp>
#include <postbus/health.hpp>
#include <postbus/metrics.hpp>
#include <postbus/schedule.hpp>
#include <postbus/subscription.hpp>

#include <boost/asio/any_io_executor.hpp>

namespace postbus {

// What close() did. For each subscription: taken_on = acked + dropped + expired + discarded + dead + given_back + abandoned.
struct close_report {
  struct entry {
    std::string pattern, group;
    delivery_counts counts;
  };
  static constexpr std::size_t ended_max = 1'000;
  // Those there were at the end, and the last `ended_max` that ended before, in the order they were made.
  std::vector<entry> subscriptions;
  delivery_counts earlier;      // of those that ended before these, added up
  std::uint64_t published = 0;  // events confirmed
  std::uint64_t delayed = 0;    // events that this process kept until they were due; they are lost
  // Of the plugins, after everything was given back: what the memory transport still queues, for instance.
  std::vector<metric> metrics;
  bool clean = true;  // false: the deadline passed, and something was abandoned

  delivery_counts total() const;
};

// One delivery at work: its handler runs, or has taken the settlement along (defer), as a client of the admin socket does.
struct running_delivery {
  std::string id;  // empty for an inline delivery, whose id is made only if the handler asks for it
  std::string topic, pattern, group;
  std::vector<std::pair<std::string, std::string>> params;
  std::chrono::nanoseconds running_for{};
  unsigned attempt = 1;
  bool stop_requested = false;
};

namespace detail {
class engine;
struct async_publish;
}  // namespace detail

// A topic checked and hashed once, for publishing on it often; it belongs to no bus. A topic is 1 to 255 bytes of UTF-8: segments
// separated by ':', none empty, without white space, control characters, '*', '{' and '}'; "postbus" as the first is reserved.
class topic {
 public:
  // Throws error::bad_argument.
  explicit topic(std::string_view text);
  std::string_view text() const noexcept { return text_; }
  std::uint64_t hash() const noexcept { return hash_; }

 private:
  std::string text_;
  std::uint64_t hash_;
};

class bus {
 public:
  // Loads, checks and starts everything the configuration names. Throws error: bad_config, bad_plugin, unsupported, unavailable;
  // then nothing is left behind.
  explicit bus(const config& configuration = {});
  // For bus.threads = 0 (else `executor` is not used): handlers and timers run on `executor`, whose context outlives the bus and which the
  // application runs with as many threads as it likes; another one than those has to call close().
  bus(const config& configuration, boost::asio::any_io_executor executor);
  bus(bus&&) noexcept = default;
  bus& operator=(bus&&) = delete;
  // As close() with its defaults; not in a handler of this bus, which it would wait for.
  ~bus();

  // ---- publish. Returns when the transport has confirmed the event. Waits, up to options.deadline, for room and for the answer;
  // called from a handler of this bus it does not wait for room (error::would_block).
  // Errors: bad_argument (topic, headers), too_large, refused, paused, full, would_block, unavailable, closed, unsupported,
  // outcome_unknown, failed.
  receipt publish(std::string_view topic, bytes_view data, const publish_options& options = {});
  receipt publish(std::string_view topic, bytes_view data, const publish_options& options,
                  error_code& ec) noexcept;
  receipt publish(const topic& topic, bytes_view data, const publish_options& options = {});
  receipt publish(const topic& topic, bytes_view data, const publish_options& options,
                  error_code& ec) noexcept;
  // A batch, with an answer per event: results[i] is for messages[i]; both spans must have the same size. In order; an event that fails
  // does not stop those behind it. Never throws.
  void publish(std::span<const message> messages, std::span<publish_result> results) noexcept;
  std::vector<publish_result> publish(std::span<const message> messages);

  // A JSON body, serialised, with the content type application/json unless the options say otherwise. Include <boost/json.hpp>.
  template <std::same_as<boost::json::value> Json>
  receipt publish(std::string_view topic, const Json& body, const publish_options& options = {}) {
    return publish_json(topic, body, options);
  }
  template <std::same_as<boost::json::value> Json>
  receipt publish(std::string_view topic, const Json& body, const publish_options& options, error_code& ec) {
    return publish_json(topic, body, options, ec);
  }

  // A publish with options.delay returns when the event is taken on: by a transport that can keep it, else by this process, which
  // publishes it when it is due. This process keeps bus.delayed_max and bus.delayed_bytes_max of them at most (then error::full), and
  // loses them when it ends. Features see the event at once.
  //
  // cancel_delayed() takes back the events with this id that this process keeps, and returns how many there were. One that a transport
  // keeps, or that is due already, it does not reach.
  std::size_t cancel_delayed(std::string_view id);

  // Completes with (error_code, receipt); takes any completion token: a callback, boost::asio::use_future, use_awaitable … Never
  // waits: what has no room is queued in order until options.deadline, at most 65,536 of them (else error::full). All errors come through
  // the token. Topic, data and options are copied before it returns. The completion runs on the token's executor, one without an executor
  // on a worker of this bus.
  template <boost::asio::completion_token_for<void(error_code, receipt)> CompletionToken>
  auto async_publish(std::string_view topic, bytes_view data, const publish_options& options,
                     CompletionToken&& token) {
    return boost::asio::async_initiate<CompletionToken, void(error_code, receipt)>(
        [](auto handler, prepared_publish publish) { start(std::move(publish), std::move(handler)); }, token,
        prepare(topic, data, options));
  }
  template <boost::asio::completion_token_for<void(error_code, receipt)> CompletionToken>
  auto async_publish(std::string_view topic, bytes_view data, CompletionToken&& token) {
    return async_publish(topic, data, default_options, std::forward<CompletionToken>(token));
  }

  // ---- request and reply. Publishes on the topic and waits for what a handler replies (delivery.reply), up to the timeout, which is the
  // request's ttl too, unless the options have a shorter one. Every subscription that matches gets the request, so let those that answer
  // be a group; the first reply counts. Under a manual clock it runs what is queued, and does not move the time.
  // Errors: those of publish; timed_out; failed (the reply is an error, and what() has its words); would_block from a handler of this bus;
  // unsupported on a transport with the codec raw.
  postbus::event request(std::string_view topic, bytes_view data, std::chrono::nanoseconds timeout,
                         const publish_options& options = {});
  postbus::event request(std::string_view topic, bytes_view data, std::chrono::nanoseconds timeout,
                         const publish_options& options, error_code& ec) noexcept;
  // The same without waiting: completes with (error_code, event), as async_publish does. From handlers too.
  template <boost::asio::completion_token_for<void(error_code, event)> CompletionToken>
  auto async_request(std::string_view topic, bytes_view data, std::chrono::nanoseconds timeout,
                     const publish_options& options, CompletionToken&& token) {
    return boost::asio::async_initiate<CompletionToken, void(error_code, event)>(
        [timeout](auto handler, const std::shared_ptr<detail::engine>& engine, std::string where,
                  std::string what, publish_options o) {
          start_request(engine, where, std::string_view(what), timeout, o, std::move(handler));
        },
        token, engine_, std::string(topic), std::string(data.text()), options);
  }
  template <boost::asio::completion_token_for<void(error_code, event)> CompletionToken>
  auto async_request(std::string_view topic, bytes_view data, std::chrono::nanoseconds timeout,
                     CompletionToken&& token) {
    return async_request(topic, data, timeout, default_options, std::forward<CompletionToken>(token));
  }

  // ---- subscribe. Handler: void(const delivery&), or boost::asio::awaitable<void>(delivery). Pattern: segments separated by ':';
  // `*` matches one segment, `{name}` one and captures it, `**` at the end any number. What is published after its return reaches the
  // handler; an event that nobody was subscribed to is gone, unless the transport remembers it (subscribe_options::from). The handler
  // lives until its last call or coroutine has ended. Throws error: bad_argument, unsupported, closed, unavailable, failed.
  template <plain_handler F>
  [[nodiscard]] subscription subscribe(std::string_view pattern, F handler,
                                       const subscribe_options& options = {}) {
    return add(pattern, options,
               {std::make_shared<F>(std::move(handler)),
                [](void* object, const delivery& d) { (*static_cast<F*>(object))(d); }, nullptr});
  }
  template <coroutine_handler F>
  [[nodiscard]] subscription subscribe(std::string_view pattern, F handler,
                                       const subscribe_options& options = {}) {
    return add(pattern, options,
               {std::make_shared<F>(std::move(handler)), nullptr,
                [](void* object, delivery& d) { return (*static_cast<F*>(object))(std::move(d)); }});
  }

  // ---- schedules: events that are published again and again (schedule.hpp). Where the configuration names a store. Set under a name that
  // is there, it changes that one; true: it is new. remove: whether it was there. Both wait for the store. Errors: bad_argument,
  // unsupported, unavailable, would_block.
  bool set_schedule(const std::string& name, const schedule& what);
  bool remove_schedule(const std::string& name);
  std::vector<std::pair<std::string, schedule>> schedules() const;  // those there are, by name

  // ---- close. Stops fetching; lets running handlers finish, and publish; settles; gives back what was not started; stops the plugins.
  // Past the deadline the handlers still running are asked to stop; past `grace` more they are abandoned: counted, and kept alive.
  // Idempotent: a later call waits for the first and returns the same report; one from another thread with an earlier end shortens the
  // first one's deadline and grace. From a handler of this bus it throws error::would_block.
  close_report close(std::chrono::nanoseconds deadline = std::chrono::seconds(30),
                     std::chrono::nanoseconds grace = std::chrono::seconds(5));

  // Returns when nothing that this bus has taken on is unfinished (queued here, running, deferred, waiting for a retry), and no publish is
  // in progress; false if the deadline passed before. What a shared transport still has for it is not looked at. A look at one moment:
  // what other threads publish meanwhile counts too. Not from a handler (error::would_block).
  bool wait_until_idle(std::chrono::nanoseconds deadline = std::chrono::seconds(30));

  // ---- what is going on. Each takes a lock and copies.
  std::vector<std::string> topics() const;  // the patterns that have subscriptions on this bus, sorted
  std::size_t subscriber_count(std::string_view topic) const;  // of this bus, that match the topic
  std::vector<running_delivery> in_flight() const;
  // Asks the deliveries at work to stop whose captures have all these values, and returns how many were asked:
  // bus.request_stop({{"user_id", "42"}}). Without values: all of them.
  using capture = std::pair<std::string_view, std::string_view>;
  std::size_t request_stop(std::span<const capture> where);
  std::size_t request_stop(std::initializer_list<capture> where) { return request_stop(std::span(where)); }
  // The bus's own metrics, then those of its plugins; a name's help says what it counts. Figures of what runs stop nobody.
  std::vector<metric> metrics() const;
  // How the bus and its parts are. Asks the plugins that can look for themselves, and waits for them until the deadline; one that does
  // not answer is unhealthy. Not from a handler (error::would_block).
  postbus::health health(std::chrono::nanoseconds deadline = std::chrono::seconds(1));
  // Sets the least level that is logged from now on: of one module ("bus", "admin", a plugin's id), or with an empty one of all, those
  // included that had a level of their own. Throws error::bad_argument for a module that this bus does not have.
  void set_log_level(log_level level, std::string_view module = {});

  // ---- plugins. Calls a method of a plugin's manifest, "<plugin id>.<method>", with a JSON object; returns its JSON answer. The bus's own
  // are those of dead letters: dead.boxes, dead.list, dead.show, dead.requeue, dead.purge (docs/delivery.md).
  // Errors: no_such_method, timed_out, unsupported (dead letters without a store), and what the plugin answers.
  std::string call(std::string_view method, std::string_view json = "{}",
                   std::chrono::nanoseconds deadline = std::chrono::seconds(30));
  // The same without waiting: completes with (error_code, std::string), the answer or what the plugin says went wrong, as async_publish
  // does. At the latest when the plugin is stopped (error::cancelled).
  template <boost::asio::completion_token_for<void(error_code, std::string)> CompletionToken>
  auto async_call(std::string_view method, std::string_view json, CompletionToken&& token) {
    return boost::asio::async_initiate<CompletionToken, void(error_code, std::string)>(
        [](auto handler, const std::shared_ptr<detail::engine>& engine, const std::string& what,
           const std::string& arguments) { start_call(engine, what, arguments, std::move(handler)); },
        token, engine_, std::string(method), std::string(json));
  }

  // The executor that coroutine handlers run on.
  boost::asio::any_io_executor get_executor() const;

 private:
  receipt publish_json(std::string_view topic, const boost::json::value& body,
                       const publish_options& options);
  receipt publish_json(std::string_view topic, const boost::json::value& body, const publish_options& options,
                       error_code& ec);
  subscription add(std::string_view pattern, const subscribe_options& options, detail::handler handler);
  // A copy of everything, made before async_publish returns: a lazy token starts it later.
  using prepared_publish = std::unique_ptr<detail::async_publish, void (*)(detail::async_publish*)>;
  prepared_publish prepare(std::string_view topic, bytes_view data, const publish_options& options);
  static void start(prepared_publish publish,
                    boost::asio::any_completion_handler<void(error_code, receipt)> handler);

  static void start_request(const std::shared_ptr<detail::engine>& engine, std::string_view topic,
                            bytes_view data, std::chrono::nanoseconds timeout, const publish_options& options,
                            boost::asio::any_completion_handler<void(error_code, event)> handler);

  static void start_call(const std::shared_ptr<detail::engine>& engine, std::string_view method,
                         std::string_view json,
                         boost::asio::any_completion_handler<void(error_code, std::string)> handler);

  static const publish_options default_options;
  std::shared_ptr<detail::engine> engine_;
};

}  // namespace postbus
