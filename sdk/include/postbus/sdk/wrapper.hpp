// A wrapper stands between the bus and a transport or a store, and is one itself: it forwards what it does not change. A class that
// derives from one of these forwards everything; what it overrides by name, it changes:
//
//   class counts_bytes : public postbus::sdk::transport_wrapper {
//    public:
//     using transport_wrapper::transport_wrapper;
//     void publish(std::span<const postbus_out> events, postbus::sdk::publish_completion&& done) {
//       for (const postbus_out& e : events) bytes_ += e.event->data.len;
//       transport_wrapper::publish(events, std::move(done));
//     }
//    …
//   POSTBUS_PLUGINS(POSTBUS_PLUGIN("counts-bytes", counts_bytes))
//
// Its manifest says "wraps": "transport", provides postbus.transport/1, and names under "capabilities" those that it lets through; the
// ones that the wrapped transport has not are left out by themselves. `can` of the class is as the manifest.
//
// The wrapped plugin is created and started before the wrapper, stopped and destroyed after it; it may be called from start() on, and no
// more once stop() completed. A completion that is passed on as it is needs no care: the wrapped plugin answers it, at the latest in its
// own stop. An answer that the wrapper itself wants to see comes through when_answered().
#pragma once

#include <postbus/sdk/store.hpp>
#include <postbus/sdk/transport.hpp>

#include <memory>

namespace postbus::sdk {

// What a wrapper gives the wrapped plugin in place of the completion that it was given, to see the answer: calls
// f(to, status, result, error) once, which answers `to` then or later. It may run inside the call, or after the wrapper's own stop, when
// nothing but answering is left to do; it throws nothing. When this throws bad_alloc, `done` is still owed.
template <class Result, class F>
postbus_done when_answered(completion<Result>& done, F f) {
  struct box {
    F f;
    postbus_done to;
  };
  auto* mine = new box{std::move(f), {}};
  mine->to = done.pass_on();
  return {[](void* ctx, std::int32_t status, const void* result, const postbus_error* error) {
            const std::unique_ptr<box> held(static_cast<box*>(ctx));
            held->f(held->to, status, result, error);
          },
          mine};
}

// Of the wrapped transport; it is never looked into.
struct wrapped_subscription;

class transport_wrapper {
 public:
  using subscription = wrapped_subscription;
  static constexpr std::uint32_t can = 2 * std::uint32_t{POSTBUS_CAN_PERSIST} - 1;  // all there are
  static constexpr bool answers_at_once =
      true;  // if the wrapped one does; false in a wrapper that holds answers back

  // Throws failure{POSTBUS_E_UNSUPPORTED} where there is nothing to wrap.
  explicit transport_wrapper(context& ctx)
      : table_(ctx.service<postbus_transport>("postbus.transport/1", &self_)) {
    if (table_ == nullptr)
      throw failure(POSTBUS_E_UNSUPPORTED,
                    "there is no transport to wrap: list this plugin in the wrappers of one");
  }

  void publish(std::span<const postbus_out> events, publish_completion&& done) {
    table_->publish(self_, events.data(), events.size(), done.pass_on());
  }
  void subscribe(const postbus_sub& request, const sink& to, completion<subscription*>&& done) {
    table_->subscribe(self_, &request, to.raw(), done.pass_on());
  }
  void unsubscribe(subscription& s, completion<>&& done) { table_->unsubscribe(self_, &s, done.pass_on()); }
  void credit(subscription& s, std::uint32_t n) { table_->credit(self_, &s, n); }
  void settle(std::span<const postbus_settle> items, settle_completion&& done) {
    table_->settle(self_, items.data(), items.size(), done.pass_on());
  }
  void quiesce(subscription& s, completion<>&& done) { table_->quiesce(self_, &s, done.pass_on()); }
  void room(std::string_view topic, completion<>&& done) { table_->room(self_, str(topic), done.pass_on()); }

  // For the face: what the wrapped transport has not, the wrapper has not either.
  void limit(postbus_transport& t) const noexcept {
    t.can &= table_->can;
    t.needs |= table_->needs;
    t.flags &= table_->flags;
    t.data_max = std::min(t.data_max, table_->data_max);
    if ((t.can & POSTBUS_CAN_CREDIT) == 0) t.credit = nullptr;
    if ((t.can & POSTBUS_CAN_ACK) == 0) t.settle = nullptr;
    if (!POSTBUS_CAN(table_, quiesce)) t.quiesce = nullptr;
    if (!POSTBUS_CAN(table_, room)) t.room = nullptr;
  }

 protected:
  // The wrapped transport, for calls with a done of one's own.
  const postbus_transport& wrapped() const noexcept { return *table_; }
  void* wrapped_self() const noexcept { return self_; }

 private:
  void* self_ = nullptr;
  const postbus_transport* table_;
};

class store_wrapper {
 public:
  // Throws failure{POSTBUS_E_UNSUPPORTED} where there is nothing to wrap.
  explicit store_wrapper(context& ctx) : table_(ctx.service<postbus_store>("postbus.store/1", &self_)) {
    if (table_ == nullptr)
      throw failure(POSTBUS_E_UNSUPPORTED,
                    "there is no store to wrap: list this plugin in the wrappers of one");
  }

  void execute(std::span<const postbus_op> ops, store_completion&& done) {
    table_->execute(self_, ops.data(), ops.size(), done.pass_on());
  }
  void watch(std::string_view prefix, const watcher& to, completion<std::uint64_t>&& done) {
    if (!POSTBUS_CAN(table_, watch)) return done.fail(POSTBUS_E_UNSUPPORTED, "this store cannot watch");
    table_->watch(self_, str(prefix), to.function(), to.argument(), done.pass_on());
  }
  void unwatch(std::uint64_t watch, completion<>&& done) {
    if (!POSTBUS_CAN(table_, unwatch)) return done.fail(POSTBUS_E_UNSUPPORTED, "this store cannot watch");
    table_->unwatch(self_, watch, done.pass_on());
  }

 protected:
  const postbus_store& wrapped() const noexcept { return *table_; }
  void* wrapped_self() const noexcept { return self_; }

 private:
  void* self_ = nullptr;
  const postbus_store* table_;
};

}  // namespace postbus::sdk
