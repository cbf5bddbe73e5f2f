// my-transport: carries events from publish to the subscriptions whose patterns they match. A start: put your wire where the queues are.
//
// It delivers no more than a subscription has credit for; retries, timers and handlers are the host's. What it does not declare in `can`
// and in plugin.json (groups, acknowledgement …) the host supplies, or refuses to who asks for it. `postbus check` shows which.
#include <postbus/sdk/plugin.hpp>
#include <postbus/sdk/topic_index.hpp>

#include <deque>
#include <memory>
#include <mutex>
#include <vector>

namespace {

namespace sdk = postbus::sdk;

class my_transport {
 public:
  struct subscription {
    sdk::sink to;
    std::uint32_t credit = 0;
    std::deque<sdk::kept_event> waiting;
    sdk::topic_index_handle place;
  };
  static constexpr std::uint32_t can = POSTBUS_CAN_CREDIT | POSTBUS_CAN_PATTERN;

  explicit my_transport(sdk::context& ctx)
      : ctx_(ctx), queue_max_(static_cast<std::size_t>(ctx.integer("queue_max"))) {}

  // All subscriptions take an event, or none does. Behind one without room those of its batch have none either: they would overtake it.
  void publish(std::span<const postbus_out> events, sdk::publish_completion&& done) {
    std::vector<postbus_receipt> receipts(events.size());
    {
      const std::lock_guard lock(mutex_);
      for (std::size_t i = 0; i < events.size(); ++i)
        receipts[i].status =
            i > 0 && receipts[i - 1].status == POSTBUS_E_FULL ? std::int32_t{POSTBUS_E_FULL} : add(events[i]);
    }
    done.ok(receipts);
  }

  void subscribe(const postbus_sub& request, const sdk::sink& to, sdk::completion<subscription*>&& done) {
    if (request.credit == POSTBUS_CREDIT_UNLIMITED)
      return done.fail(POSTBUS_E_UNSUPPORTED, "it delivers with its lock held: use dispatch = \"queued\"");
    auto made = std::make_unique<subscription>(subscription{to, request.credit, {}, {}});
    {
      const std::lock_guard lock(mutex_);
      made->place = index_.insert(sdk::view(request.pattern), made.get());
    }
    done.ok(made.release());
  }

  void credit(subscription& s, std::uint32_t n) {
    const std::lock_guard lock(mutex_);
    s.credit += n;
    hand_out(s);
  }

  // Afterwards nothing is delivered to it any more.
  void quiesce(subscription& s, sdk::completion<>&& done) {
    {
      const std::lock_guard lock(mutex_);
      if (s.place) index_.erase(std::exchange(s.place, {}));
      s.waiting.clear();
    }
    done.ok();
  }

  void unsubscribe(subscription& s, sdk::completion<>&& done) {
    delete &s;
    done.ok();
  }

 private:
  std::int32_t add(const postbus_out& out) {
    std::vector<subscription*> to;
    index_.match(sdk::view(out.event->topic), [&](subscription* s) { to.push_back(s); });
    for (const subscription* s : to)
      if (s->waiting.size() >= queue_max_) return POSTBUS_E_FULL;
    for (subscription* s : to) {
      sdk::kept_event kept = ctx_.keep(*out.event);  // the event itself is gone when publish returns
      if (!kept) return POSTBUS_E_NOMEM;
      s->waiting.push_back(std::move(kept));
      hand_out(*s);
    }
    return POSTBUS_OK;
  }

  // With bounded credit deliver() only queues, so it may be called with the lock held, which keeps the order.
  void hand_out(subscription& s) {
    for (; s.credit > 0 && !s.waiting.empty(); --s.credit) {
      postbus_delivery delivery{};
      delivery.event = s.waiting.front().get();
      s.to.deliver(delivery);
      s.waiting.pop_front();
    }
  }

  sdk::context& ctx_;
  const std::size_t queue_max_;
  std::mutex mutex_;
  sdk::topic_index<subscription*> index_;
};

}  // namespace

POSTBUS_PLUGINS(POSTBUS_PLUGIN("my-transport", my_transport))
