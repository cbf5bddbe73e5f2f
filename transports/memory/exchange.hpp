// exchange: the queues of one memory instance, found by topic. Shared by the buses of a process that name the same instance.
//
// publish() finds a topic's queues through a route: an immutable list that is made once and looked at without a lock. A thread keeps
// its route in the two words of out.slot, with the stamp that the index had for the topic; a subscription that may match changes the
// stamp. What routes and queues are replaced or gone is freed after a grace period of every bus of the instance.
#pragma once

#include "history.hpp"

#include <postbus/sdk/topic_index.hpp>

#include <deque>
#include <functional>
#include <map>
#include <unordered_map>

namespace postbus::memory {

class exchange {
 public:
  // The exchange of this name, or a new one of its own for an empty name.
  // `remembered`: how much history there is; none where it says so.
  static std::shared_ptr<exchange> find(std::string_view name, limits most, limits remembered);

  exchange(limits most, limits remembered) : most_(most) {
    if (remembered.events > 0) past_ = std::make_unique<history>(remembered);
  }
  exchange(const exchange&) = delete;
  exchange& operator=(const exchange&) = delete;
  ~exchange();

  // A bus that uses it, from its start to its stop.
  void enter(sdk::context& ctx);
  void leave(sdk::context& ctx) noexcept;

  void publish(std::span<const postbus_out> events, sdk::publish_completion&& done, sdk::context& ctx);
  member* subscribe(const postbus_sub& request, const sdk::sink& to, sdk::context& ctx);
  void credit(member& m, std::uint32_t n);
  void settle(std::span<const postbus_settle> items, sdk::context& ctx);
  // After done no delivery to it is under way, nor begins.
  void quiesce(member& m, sdk::completion<>&& done);
  // How many more events are queued than was said before: of its own queue, and of the groups. Those of others that live are not
  // looked at, or whoever ends many would pay for each of them every time.
  std::int64_t unsubscribe(member& m);
  // The same of all queues.
  std::int64_t queued_change();
  // What there is now; `full`: what the queues that take no more belong to.
  struct figures {
    std::size_t subscriptions = 0, groups = 0, queued_events = 0, queued_bytes = 0;
    std::vector<std::string> full;
  };
  figures look();
  void room(std::string_view topic, sdk::completion<>&& done, const sdk::context& ctx);

 private:
  // The queues that take a topic's events. Where all of them only hand on to one member that takes everything at once, its sinks:
  // who publishes calls them without a look at the queues. quiesce() waits for who still does.
  struct targets {
    std::vector<queue*> queues;
    std::vector<sdk::sink> direct;
  };
  // What is known of one topic. Its memory stays until the exchange ends; it is used for another topic when there are too many.
  struct route {
    std::atomic<std::uint64_t> key{0};   // topic_stamp_key
    std::atomic<std::uint64_t> uses{0};  // topics it was used for: makes the validity of each of them differ
    std::atomic<const targets*> to{nullptr};
    std::uint64_t built_for = 0;  // the validity of `to`; under the lock
    std::string topic;
  };
  using index = sdk::topic_index<queue*>;
  // A queue in the index, and what it takes.
  struct place {
    std::string pattern;
    std::unique_ptr<queue> q;
    sdk::topic_index_handle handle;
  };

  bool is_full(std::string_view topic);
  void publish_and_remember(std::span<const postbus_out> events, sdk::publish_completion&& done,
                            sdk::context& ctx);
  void begin_in_the_past(const postbus_sub& request, member& m, place& at, sdk::context& ctx);
  const targets& find_targets(const postbus_out& out);
  const targets& build_route(const postbus_out& out);
  std::uint64_t validity(const route& r) const noexcept;
  // Calls f() once no publish that is under way now, on any bus of the exchange, is.
  void after_grace(std::function<void()> f);
  void room_again();

  const limits most_;
  // With a history: held while events get their positions and are queued, in one order for all; a handler that runs inside a publish may
  // publish.
  std::recursive_mutex order_;
  std::unique_ptr<history> past_;
  std::mutex mutex_;  // of what follows
  index index_;
  std::map<std::pair<std::string, std::string>, std::shared_ptr<place>>
      groups_;  // by pattern and group: for ever
  std::map<queue*, std::shared_ptr<place>> single_;
  std::unordered_map<std::string, route*> routes_;
  std::deque<route> all_routes_;
  std::size_t recycled_ = 0;
  std::vector<sdk::context*> buses_;

  std::mutex room_mutex_;
  std::vector<std::pair<const sdk::context*, sdk::completion<>>> waiting_for_room_;
};

}  // namespace postbus::memory
