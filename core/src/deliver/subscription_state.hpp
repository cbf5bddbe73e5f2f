// subscription_state: one subscription at work. It takes deliveries from its transport, queues them, runs the handler, and settles.
//
// Life of a queued delivery: deliver → (sorted into its lane) → ready → features → handler → settle, which acks it, or lets it wait
// for a retry (then it is ready again), or gives it up. What is open is counted until it is settled; the credit goes back to the
// transport with the settlement, or earlier where it is parked.
#pragma once

#include "attachment.hpp"
#include "config/key_expression.hpp"
#include "delivery_state.hpp"
#include "lanes.hpp"
#include "step_executor.hpp"
#include "verdict.hpp"

#include <postbus/subscription.hpp>

#include <postbus/sdk/spin_mutex.hpp>

#include <boost/asio/any_completion_handler.hpp>

#include <mutex>

namespace postbus::detail {

class engine;
class inquiry;
struct handler_times;
struct thread_record;
class thread_registry;

class subscription_state : public std::enable_shared_from_this<subscription_state> {
 public:
  subscription_state(engine& owner, std::string pattern, subscribe_options options, detail::handler h,
                     std::uint32_t number, std::uint64_t number_in_order);
  ~subscription_state();

  engine& owner;
  const std::string pattern;
  const subscribe_options options;
  const std::uint32_t number;           // for the tally sheets; used again by a later subscription
  const std::uint64_t number_in_order;  // among all of the bus
  bool asks_features = false;
  bool is_onlooker = false;  // takes copies for display, replies, or what a plugin listens to: nobody sees it
  bool takes_replies = false;  // to requests of this bus: goes last
  std::vector<std::unique_ptr<attachment>>
      attachments;  // in the order of the transports; fixed once it is made
  std::atomic<bool> closed{false};

  // The sink: called by the transport.
  void deliver(attachment& from, const postbus_delivery* deliveries, std::size_t n);

  // The settlement of `i` is taken along from now on; answered by one of the two below.
  void took_along(item& i);
  void settle_deferred(item& i, const verdict& v);
  // As if it had not been started: it goes back to the transport, and does not count as an attempt.
  void give_back_deferred(item& i);
  // The transport took it back, and its handler works on it.
  void lost(item& i);
  // False: its lease is lost.
  bool extend(item& i, std::chrono::nanoseconds length);
  // Turns the delivery into one that may outlive its call; counts it as open.
  item& promote(delivery_state& state);
  // What the bus itself says to it, past the transports.
  void deliver_own(event_record& event);
  // Where its dead letters go, and what a requeued one is for.
  const std::string& box() const noexcept { return options.group.empty() ? pattern : options.group; }
  // Tells on_notice, behind the deliveries that came before.
  void tell(const notice& n);

  // After closed was set: gives back what is queued and what waits for a retry.
  void give_back_unstarted();
  // Called once nothing is open and no delivery can come any more.
  void when_empty(std::function<void()> f);
  // A feature took back what it had let by: it is asked again, of all that has not started.
  void ask_again();
  // The attachment has its handle: credit can be given.
  void connected(attachment& to);
  // For async_unsubscribe: `ended` is called once it is gone().
  void when_gone(boost::asio::any_completion_handler<void(error_code)> ended);
  void gone(const delivery_counts& final);
  bool runs_coroutines() const noexcept { return handler_.spawn != nullptr; }

  delivery_counts counts() const;
  std::uint64_t open() const noexcept { return open_.load(); }
  std::size_t waiting() const;  // for a retry
  // What is parked; `full`: park_max is reached, and credit is kept back.
  struct parking {
    std::uint64_t events = 0, bytes = 0;
    bool full = false;
  };
  parking parked() const;
  // Of its pattern and group. Throws bad_alloc the first time.
  handler_times& times();
  void count_abandoned();
  void for_each_running_coroutine(const std::function<void(delivery_state&)>& f);
  void for_each_deferred(const std::function<void(delivery_state&)>& f);

 private:
  struct batch;  // settlements and credits on their way back
  struct runner : task {
    subscription_state* owner = nullptr;
    // What is to go back, while a handler runs: whoever finds it there for too long sends it.
    std::atomic<batch*> lent{nullptr};
    sdk::spin_mutex sending;
  };

  template <bool is_timed>
  void run_inline(thread_record& thread, attachment& from, const postbus_delivery& delivery);
  void deliver_inline(thread_record& thread, attachment& from, const postbus_delivery& delivery);
  // The ways out of the straight path: the event needs decoding or features, or the handler did not just return.
  void deliver_inline_slowly(thread_record& thread, attachment& from, const postbus_delivery& delivery);
  void end_inline(delivery_state& state, std::exception_ptr thrown);
  void refuse_inline(thread_record& thread, delivery_state& state);
  void queue_up(attachment& from, const postbus_delivery* deliveries, std::size_t n);
  void count_in(std::uint64_t n) noexcept;
  item* to_item(attachment& from, const postbus_delivery& delivery);
  void enqueue(item* first, item* last, std::size_t n);
  void schedule();
  void run_plain(runner& me);
  // From here to there, what waits in `done` is sent after 5 ms, however long the handler takes. False: nothing does.
  bool lend(runner& me, batch& done);
  static void take_home(runner& me);
  void send_lent();
  boost::asio::awaitable<void> run_coroutines();
  // A chain of ready items; nullptr when there is none, and then the taker is no longer active.
  item* take(runner* taker);
  void put_back(item* chain);
  void check_empty();
  void give_credit(attachment& to, std::uint32_t n);
  void choose_to_time(const item& i) noexcept;
  // False when that settled it: it cannot be decoded.
  bool decode(item& i, batch& done);
  // Decodes it; false when that settled it, or because it expired, or is for another group.
  bool prepare(item& i, batch& done);
  // Runs the plain handler, unless the subscription closed, or a feature took back what it had let by.
  enum class run { done, closed, lost, recalled };
  run run_handler(thread_record& thread, delivery_state& state, verdict& v);
  run may_run(const delivery_state& state) const noexcept;
  static verdict verdict_of(std::exception_ptr thrown);

  // ---- ordering.cpp, waiting.cpp: with the lock held, unless they say otherwise
  using credits = std::vector<attachment*>;  // to give once the lock is not held any more
  static void give(const credits& freed, batch& done);
  void append_ready(item& i);
  // Sorts some of what came into its lanes; unlocks while it looks at them.
  void sort(std::unique_lock<sdk::spin_mutex>& lock);
  bool runs_alone(const item& i) const noexcept;
  void park(item& i, credits& freed);
  void unpark(item& i) noexcept;
  static std::uint64_t bytes_of(const item& i) noexcept;
  // Without the lock: the item's lane goes to the next, if it has one.
  void leave_lane(item& i);
  void wait_for_retry(item& i, std::optional<std::chrono::nanoseconds> after, batch& done);
  static void retry_due(void* ctx, std::int32_t status, const void*, const postbus_error*);

  // ---- asking.cpp: features are asked about what is ready, many at once, before its turn comes
  bool needs_asking(const item& i) const noexcept;
  // Items start one by one and in their order: one that is held stops those behind it.
  bool is_in_order() const noexcept { return order_.empty() && options.concurrency == 1; }
  bool is_stopped() const noexcept;
  void ask_ahead(std::unique_lock<sdk::spin_mutex>& lock);
  void ask_about(item_chain some, std::unique_lock<sdk::spin_mutex>& lock);
  item_chain prepare_all(item_chain some, batch& done);
  bool ask_inline(item& i, batch& done);  // as prepare()
  void set_aside(const inquiry& asked, credits& freed);
  void go_on_with(const inquiry& asked, const credits& freed, batch& done);
  void wait_aside(item& i, std::uint64_t ticket);
  void park_aside(item& i, credits& freed);
  void park_held(item& i);
  void leave_place(item& i);
  static void verdict_came(void* ctx, const postbus_verdict& answer);
  void take_back(item& i, const postbus_verdict& answer);
  void prepend_ready(item* chain);
  void give_back_aside();

  // ---- telling.cpp: features are told how it ended
  void tell_features(batch& done);
  void tell_rest(telling& how);
  void go_on_telling(item& i, batch& done);
  void told(item& i, const verdict& v, const telling& how, batch& done);
  static void outcome_taken(void* ctx, const postbus_verdict& answer);
  static void outcome_overdue(void* ctx, std::int32_t status, const void*, const postbus_error*);

  // ---- time_limit.cpp: handler_timeout, lost leases
  void limit_time(item& i);
  // Whether the answer may be given for it while its handler still works on it.
  static bool has_rival(const item& i) noexcept { return i.time_limit != 0 || i.from->held != nullptr; }
  // After the handler returned: false where its time was over before, or its lease lost, and the answer given.
  bool in_time(item& i);
  static void time_over(void* ctx, std::int32_t status, const void*, const postbus_error*);
  void give_to_others(item& i);
  // The item that has to be answered now; nullptr where the handler was faster.
  item* take_from_handler(item& i, std::string_view why);

  // ---- give_up.cpp: dead letters. `reason`: rejected, max_deliveries, undecodable.
  void give_up(item& i, std::string_view reason, const std::string& why, batch& done);
  bool keeps_dead_letters() const noexcept;
  static void bury(void* burial);
  static void bury_again(void* ctx, std::int32_t status, const void*, const postbus_error*);

  // ---- notices.cpp: and what is discarded
  void tell_now(item& i) noexcept;
  // With the lock held: queues what came without flow control, and returns what is to be discarded for it.
  item* buffer(item* first);
  void unbuffer(item& i) noexcept;
  void discard(item* chain, attachment& from);

  // Tells the features first that let it by; then settle_now().
  void settle(item& i, const verdict& v, batch& done);
  void settle_now(item& i, const verdict& v, batch& done);
  void give_back(item& i, batch& done);
  // The settlement is not taken along any more.
  void answered(item& i);
  // The same delivery in an item of its own, where a handler may still run on the first; which is let go of.
  item& go_on_without(item& i);
  void finish(item& i, std::uint32_t what, batch& done);
  // Settles it, for who waits for the transport's word on that.
  void confirm(item& i, bool is_held, std::uint32_t what, batch& done);
  void confirmed(item& i, error_code ec);
  // The handler ended: settles it, unless somebody else does.
  void ended(item& i, const verdict& v, batch& done);

  thread_registry& threads_;
  const std::shared_ptr<engine> owner_alive_;  // until the engine lets go of the subscription
  detail::handler handler_;
  const key_expression order_;  // of ordered_by; empty: one order for all
  const std::span<const std::string> patterns_{&pattern, 1};
  alignas(64) mutable sdk::spin_mutex mutex_;  // of what follows
  item_chain ready_, unsorted_;                // unsorted_: as they came, where there is an order by key
  std::size_t queued_ = 0;                     // in both
  limit buffered_{0, 0};                       // not started, from transports without flow control
  bool sorting_ = false;                       // somebody sorts: in order, so one at a time
  unsigned asking_ = 0;                        // somebody asks the features about what stood in ready_
  bool alone_ = false;                         // the one item that runs is to run alone
  lanes lanes_;
  parking parked_;
  item* overflow_note_ = nullptr;              // queued, and not told yet: counts what is discarded meanwhile
  unsigned active_ = 0;                        // runners and coroutine loops at work
  item_list<&item::among> waiting_, running_;  // for a retry; suspended coroutines
  item_list<&item::among> aside_;              // kept by a feature
  item_list<&item::deferral> deferred_;        // whose settlement was taken along
  std::function<void()> when_empty_;
  std::vector<boost::asio::any_completion_handler<void(error_code)>> when_gone_;
  bool gone_ = false;
  delivery_counts final_;                         // once gone_: `number` may be another's then
  std::vector<std::unique_ptr<runner>> runners_;  // one per handler that may run at once
  std::vector<runner*> idle_runners_;

  std::atomic<bool> looks_after_lent_{false};

  std::atomic<handler_times*> times_{nullptr};

  // What who delivers writes, and what who runs handlers writes, on cache lines of their own: both write for every event.
  alignas(64) std::atomic<std::uint64_t> open_{0};  // taken on and not settled
  std::atomic<std::uint64_t> taken_on_{0};
  struct alignas(64) {
    std::atomic<std::uint64_t> started{0}, acked{0}, retried{0}, dropped{0}, expired{0}, discarded{0},
        dead{0}, given_back{0}, abandoned{0};
  } counts_;
};

}  // namespace postbus::detail
