// engine: what stands behind a bus. An event meets the files of this room in this order: publish, pipeline, (the transport),
// subscription_state, delivery, close.
#pragma once

#include "dead/dead_letters.hpp"
#include "deliver/subscription_state.hpp"
#include "observe/handler_times.hpp"
#include "observe/health.hpp"
#include "observe/health_asker.hpp"
#include "observe/log.hpp"
#include "observe/metrics.hpp"
#include "publish/delayed_events.hpp"
#include "publish/pipeline.hpp"
#include "publish/router.hpp"
#include "publish/transport_slot.hpp"
#include "request/requests.hpp"
#include "schedule/schedules.hpp"
#include "threads.hpp"

#include <postbus/bus.hpp>

#include <deque>
#include <map>

namespace postbus::detail {

class admin;
class waiter;
struct admin_counts;
struct admin_settings;
struct async_publish;
struct late_answer;
struct prepared;

// On whose behalf a subscription is made.
enum class subscriber : std::uint8_t {
  application,
  client,   // of the admin socket: never dispatched inline, for its answers come from another process
  bound,    // a plugin's method that listens to topics
  replies,  // of this bus: the replies to its requests
  onlooker  // gets copies for display: neither features nor topics() see it, and on a transport within the process nobody waits for it
};

class engine : public std::enable_shared_from_this<engine> {
 public:
  // Everything started, the admin socket last. Throws what the constructor of bus does.
  static std::shared_ptr<engine> make(const config& configuration, boost::asio::any_io_executor executor);
  // For make(): the admin socket is bound, and serves nobody yet.
  engine(const config& configuration, boost::asio::any_io_executor executor);
  ~engine();

  // ---- publish.cpp
  struct publish_request {
    std::string_view topic;
    std::uint64_t hash;
    bytes_view data;
    const publish_options* options;
    const delivery_state* cause = nullptr;  // the delivery it is published through
  };
  // Where the answer for one event goes, and how long it may wait for room.
  struct answer_to {
    error_code* ec = nullptr;
    receipt* value = nullptr;
    std::int64_t wait_ns = 0;
  };
  void publish(const publish_request& request, error_code& ec, receipt& out) noexcept;
  void publish(std::span<const message> messages, std::span<publish_result> results) noexcept;
  // Everything copied; its checks made, but for those that depend on the moment.
  std::unique_ptr<async_publish> prepare(std::string_view topic, bytes_view data,
                                         const publish_options& options);
  static void start(std::unique_ptr<async_publish> publish);
  void publish_for_plugin(const postbus_event* const* fields, std::size_t n, postbus_done done);
  // The last step of an asynchronous publish that was checked and let by: encodes it, and hands it to its transport.
  static void hand_over(std::unique_ptr<async_publish> publish);
  // What this thread knows of the topic; nullptr and ec = bad_argument when it is malformed.
  // `others_in_use`: entries found before stay, besides those that callers further up the stack use.
  topic_entry* find_topic(thread_record& thread, std::string_view topic, std::uint64_t hash, error_code& ec,
                          bool others_in_use = false);
  // Whether the codec of the topic's transport has room for headers and a content type.
  bool carries_attributes(std::string_view topic) const noexcept {
    return transports[routes.route(topic)]->format.codec != codec::raw;
  }
  // The exception for a publish that failed on this thread just now.
  error explain(error_code ec, std::string_view topic, std::size_t data_size);

  // ---- reply.cpp
  // `failed`: the reply is an error, and this is why. ec: bad_argument when the event asks for no reply.
  void reply(const delivery_state& request, bytes_view data, std::string_view content_type,
             std::optional<std::string_view> failed, error_code& ec) noexcept;
  void publish_own(std::string_view topic, bytes_view data, const publish_options& options,
                   transport_slot& to, error_code& ec);

  // Of an event that is there. Nobody waits for it: done() hears how it ended, on any thread.
  void publish_own(event_record& event, std::function<void(error_code, receipt)> done);
  // Tells who is subscribed to postbus:dead.
  void announce_dead(const postbus_event& letter, std::string_view box);
  // What features let by and has not started is shown to them again: none of it can start before.
  void recall();

  // ---- subscribe.cpp
  std::shared_ptr<subscription_state> subscribe(std::string_view pattern, const subscribe_options& options,
                                                handler h, subscriber who = subscriber::application);
  // No handler starts any more; what is not started goes back; the rest happens on its own. `ended` may be empty.
  void retire(const std::shared_ptr<subscription_state>& s,
              boost::asio::any_completion_handler<void(error_code)> ended);
  // Waits for the plain handlers of `s` that run on other threads, unless this thread runs one of this bus itself.
  void wait_for_handlers(const subscription_state& s);
  // The transport let go of it.
  void forget(const std::shared_ptr<subscription_state>& s);
  std::vector<std::string> topics() const;
  // The subscriptions there are, those of one pattern and group together, sorted.
  struct subscribed {
    std::string pattern, group;
    std::size_t subscribers = 0;
    std::uint64_t open = 0;  // taken on and not settled
    delivery_counts counts;
  };
  std::vector<subscribed> subscribed_patterns() const;
  std::size_t subscriber_count(std::string_view topic) const;
  bool has_pattern(std::string_view pattern) const;  // a live subscription has this very one

  // ---- close.cpp
  close_report close(std::int64_t deadline_ns, std::int64_t grace_ns);
  bool wait_until_idle(std::int64_t deadline_ns);
  void something_ended() noexcept;  // a subscription has nothing open any more, or a publish completed

  // ---- in_flight.cpp
  void for_each_running(const std::function<void(delivery_state&)>& f);    // handlers
  void for_each_in_flight(const std::function<void(delivery_state&)>& f);  // and settlements taken along
  std::vector<running_delivery> in_flight();
  using selector = std::span<
      const std::pair<std::string_view, std::string_view>>;  // captures and the values they must have
  std::size_t list_running(selector where, const std::function<void(const postbus_work&)>& each);
  std::size_t request_stop(selector where);

  // ---- bus_metrics.cpp
  std::vector<metric> metrics();
  void count_refused(const error_code& ec) noexcept;
  // Of the pattern and group of `s`; made when first asked for. Throws bad_alloc.
  handler_times& times_of(const subscription_state& s);
  // With `mutex` held: `s` is no longer among the subscriptions. Throws bad_alloc.
  void count_gone(const subscription_state& s, const delivery_counts& counts);

  // ---- ask_health.cpp
  postbus::health health(std::int64_t timeout_ns);

  // ---- engine.cpp
  // Throws error::bad_argument for a module that this bus does not have.
  void set_log_level(log_level level, std::string_view module);
  // What the admin socket has seen; nullptr where there is none.
  const detail::admin_counts* admin_counts() const noexcept;

  // ---- call.cpp
  // The plugin's status and its answer, or its words about what went wrong. Called once, from any thread, perhaps before start_call
  // returned, perhaps never: a plugin may not answer before it is stopped.
  using call_answer = std::function<void(std::int32_t status, std::string text)>;
  // Throws what can be told without asking the plugin: closed, no_such_method, bad_plugin.
  void start_call(std::string_view method, std::string_view json, call_answer answer);
  // The same, and waits. Throws timed_out, and what the plugin says.
  std::string call(std::string_view method, std::string_view json, std::int64_t deadline_ns);
  // Of the dead letters: dead_methods.cpp.
  void call_dead(std::string_view method, std::string_view json, call_answer answer);
  // Of the schedules: schedule_methods.cpp.
  void call_schedules(std::string_view method, std::string_view json, call_answer answer);
  // Every "<plugin>.<method>" there is: plugins by their id, transports by their name.
  std::vector<std::string> methods() const;

  // The calling thread runs a handler of this bus.
  bool in_handler() noexcept;

  std::string_view source;  // the bus's name, interned: events outlive buses
  std::unique_ptr<runtime> rt;
  std::int64_t wall_offset_ns = 0;  // wall time minus the runtime's, when the bus was made
  std::unique_ptr<log_service> log;
  metric_registry plugin_metrics;
  health_board components;
  unsigned workers = 0;       // threads of our own; 0: the application's executor
  unsigned sample_every = 0;  // one event in this many is timed; 0 = none
  const std::shared_ptr<thread_registry> threads_owner = std::make_shared<thread_registry>();
  thread_registry& threads = *threads_owner;
  pipeline features{*this};
  router routes;
  std::vector<std::unique_ptr<transport_slot>>
      transports;                          // [0] = the default one; fixed once the bus started
  std::unique_ptr<plugin_instance> store;  // where one is used
  bool store_is_named = false;             // the configuration says which

  delayed_events delayed{*this};
  requests replies{*this};
  dead_letters dead{*this};
  schedules timetable{*this};

  enum class phase { running, draining, closed };
  std::atomic<phase> state{phase::running};
  std::atomic<std::uint64_t> publishing{0};  // asynchronous publishes without their answer
  std::atomic<std::uint64_t> published{
      0};  // events confirmed to asynchronous publishes; the others are in the thread records
  std::atomic<std::uint64_t> tickets{4'096};  // given out to threads in blocks
  std::atomic<std::uint64_t> recalls{0};      // how often features took back what they had let by
  std::atomic<unsigned> idle_waiters{0};

  std::mutex lifecycle;      // held while a subscription is being made, and when the bus stops taking any
  mutable std::mutex mutex;  // of what follows
  std::vector<std::shared_ptr<subscription_state>> subscriptions;
  std::deque<std::pair<std::uint64_t, close_report::entry>>
      finished;  // of the last subscriptions that are gone, by number_in_order
  delivery_counts finished_earlier;

 private:
  using subscription_name = std::pair<std::string, std::string>;  // pattern, group
  friend struct async_publish;
  friend class publish_queue;
  std::vector<transport_slot*> transports_of(std::string_view pattern,
                                             const subscribe_options& options) const;
  void attach(attachment& to);
  void load(prepared ready);
  void bind_methods();
  void open_admin(const admin_settings& settings);
  void stop_plugins() noexcept;
  void destroy_plugins() noexcept;
  // Every plugin: the store, the transports, the features.
  void for_each_plugin(const std::function<void(plugin_instance&)>& f) const;
  plugin_instance* find_plugin(std::string_view name) const;
  void drain();
  bool wait_idle(const deadline& end, const std::function<bool()>& over);
  bool nothing_open() const;
  // Fills the lent event; `pairs` has room for its headers.
  void compose(thread_record& thread, lent_event& event, const publish_request& request,
               postbus_pair* pairs) noexcept;
  void sample(thread_record& thread, event_record& event) const noexcept;
  // What this thread knows of the topic, when a publish on it may go on; else nullptr, and ec says why. Inside a passage.
  topic_entry* admit(thread_record& thread, std::string_view topic, std::uint64_t hash, error_code& ec,
                     bool others_in_use);
  // False, and ec says why. (Returning an error_code goes through memory, which costs as much as the check.)
  static bool check(const publish_request& request, const transport_slot& to, error_code& ec) noexcept;
  bool may_publish(thread_record& thread) const noexcept;
  void send_at_once(thread_record& thread, passage& inside, transport_slot& to, std::span<postbus_out> events,
                    std::span<const answer_to> results) noexcept;
  struct late_publish;
  void publish_some(std::span<const message> messages, std::span<publish_result> results,
                    std::vector<late_publish>& late);
  // Of an event that features let by, to a transport that answers later: begins it, and waits for its answer.
  std::shared_ptr<late_answer> start_late(event_record& event, transport_slot& to, std::int64_t deadline_ns,
                                          std::int64_t delay_ns, passage_marks marks);
  static std::shared_ptr<late_answer> answer_of(async_publish& p);

  // ---- held_publish.cpp: of publishes that a feature keeps
  std::shared_ptr<late_answer> start_held(traveller& t, std::int64_t deadline_ns, std::int64_t delay_ns);
  void wait_for_verdict(traveller& t, const publish_options& options, error_code& ec, receipt& out);
  void refuse_kept(thread_record& thread, traveller& t, error_code& ec);
  static void take_over(async_publish& p, traveller& t);
  static void conclude(std::unique_ptr<async_publish> p, std::uint32_t verdict, error_code ec);
  void hold(std::unique_ptr<async_publish> p);
  void go_on(std::unique_ptr<async_publish> p);
  static void publish_resumed(void* ctx, const postbus_verdict& answer);
  static void held_too_long(void* ctx, std::int32_t status, const void*, const postbus_error*);

  void take_late(late_answer& answer, std::int64_t deadline_ns, error_code& ec, receipt& out);
  std::int64_t wall_of(const thread_record& thread) const noexcept;
  // Inside a passage.
  std::shared_ptr<waiter> ask_for_room(transport_slot& to, postbus_str topic);

  // By what is gone, under `mutex`: those of a name while others of it are there, and under ended_name the rest.
  static inline const subscription_name ended_name{"(ended)", ""};
  std::map<subscription_name, delivery_counts> gone_;

  std::vector<std::unique_ptr<plugin_instance>> plugins_;  // the features
  std::map<std::string, std::map<std::string, std::string>>
      listens_;                   // by plugin: pattern → method, as configured
  std::unique_ptr<admin> admin_;  // where there is a socket
  health_asker health_asker_;
  bool is_alive(std::int64_t deadline_ns);
  bool every_worker_is_busy();
  void report_bus(bool live, std::int64_t timeout_ns);
  std::string what_is_parked() const;
  void add_delivery_metrics(std::vector<metric>& all);

  std::mutex times_mutex_;
  std::map<subscription_name, std::unique_ptr<handler_times>> times_;    // while there are such subscriptions
  std::array<std::atomic<std::uint64_t>, error::failed + 1> refused_{};  // publishes, by error
  std::vector<std::uint32_t> free_numbers_;
  std::uint32_t next_number_ = 0;
  std::uint64_t subscribed_ = 0;
  std::once_flag closed_once_;
  deadline drained_by_{deadline::never}, over_by_{deadline::never};  // the earliest that a close() asked for
  close_report report_;
  std::mutex idle_mutex_;
  std::condition_variable idle_changed_;
};

void add_up(delivery_counts& sum, const delivery_counts& more) noexcept;

std::vector<std::string> dead_method_names();
std::vector<std::string> schedule_method_names();

// Turns a plugin's status and message into an error.
error_code to_error_code(std::int32_t status) noexcept;
error::errc to_code(std::int32_t status) noexcept;
std::int32_t from_error_code(const error_code& ec) noexcept;

}  // namespace postbus::detail
