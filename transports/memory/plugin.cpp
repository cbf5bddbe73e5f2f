// The memory library: a transport, and a store.
#include "exchange.hpp"
#include "health.hpp"
#include "store_plugin.hpp"

#include <postbus/sdk/plugin.hpp>

namespace {

namespace sdk = postbus::sdk;

class memory_transport {
 public:
  using subscription = postbus::memory::member;
  static constexpr std::uint32_t can =
      POSTBUS_CAN_CREDIT | POSTBUS_CAN_ACK | POSTBUS_CAN_GROUP | POSTBUS_CAN_PATTERN | POSTBUS_CAN_REPLAY;
  static constexpr bool answers_at_once = true;

  explicit memory_transport(sdk::context& ctx)
      : ctx_(ctx),
        queued_(ctx.metric(POSTBUS_GAUGE, "queued_events",
                           "Events that subscriptions and groups have not taken yet.")),
        exchange_(
            postbus::memory::exchange::find(ctx.text("instance"),
                                            {static_cast<std::size_t>(ctx.integer("queue_max")),
                                             static_cast<std::size_t>(ctx.integer("queue_bytes_max"))},
                                            {static_cast<std::size_t>(ctx.integer("history_max")),
                                             static_cast<std::size_t>(ctx.integer("history_bytes_max"))})) {}

  void start(sdk::completion<>&& done) {
    exchange_->enter(ctx_);
    done.ok();
  }
  void stop(sdk::completion<>&& done) {
    exchange_->leave(ctx_);
    done.ok();
  }
  void publish(std::span<const postbus_out> events, sdk::publish_completion&& done) {
    exchange_->publish(events, std::move(done), ctx_);
  }
  void room(std::string_view topic, sdk::completion<>&& done) {
    exchange_->room(topic, std::move(done), ctx_);
  }
  void subscribe(const postbus_sub& request, const sdk::sink& to, sdk::completion<subscription*>&& done) {
    done.ok(exchange_->subscribe(request, to, ctx_));
  }
  void credit(subscription& s, std::uint32_t n) { exchange_->credit(s, n); }
  void settle(std::span<const postbus_settle> items, sdk::settle_completion&& done) {
    exchange_->settle(items, ctx_);
    done.ok();
  }
  void quiesce(subscription& s, sdk::completion<>&& done) { exchange_->quiesce(s, std::move(done)); }
  void unsubscribe(subscription& s, sdk::completion<>&& done) {
    ctx_.add(queued_, exchange_->unsubscribe(s));
    done.ok();
  }
  // The only method of the manifest.
  void call(std::string_view, std::string_view, sdk::completion<std::string_view>&& done) {
    ctx_.add(queued_, exchange_->queued_change());
    done.ok(postbus::memory::health_json(exchange_->look()));
  }

 private:
  sdk::context& ctx_;
  std::uint32_t queued_;
  std::shared_ptr<postbus::memory::exchange> exchange_;
};

}  // namespace

POSTBUS_PLUGINS(POSTBUS_PLUGIN("memory", memory_transport),
                POSTBUS_PLUGIN("memory-store", postbus::memory::memory_store))
