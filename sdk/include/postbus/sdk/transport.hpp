// A transport: a class that carries events from publish to the subscriptions they match. It has
//
//   using subscription = …;                          // its own; handed back to it by reference
//   static constexpr std::uint32_t can = …;          // POSTBUS_CAN_…: what it does itself; the host supplies or refuses the rest
//   void publish(std::span<const postbus_out>, publish_completion&&);                    // [hot]
//   void subscribe(const postbus_sub&, const sink&, completion<subscription*>&&);        // [control]
//   void unsubscribe(subscription&, completion<>&&);                                     // [control]
// and where it can:
//   static constexpr std::uint32_t needs = …;                                            // POSTBUS_NEED_…
//   static constexpr bool answers_at_once = true;                                        // publish answers before it returns
//   std::uint64_t data_max() const noexcept;                                                      // bytes; unlimited if absent
//   void credit(subscription&, std::uint32_t n);                                         // [hot]     POSTBUS_CAN_CREDIT
//   void settle(std::span<const postbus_settle>, settle_completion&&);                   // [hot]     POSTBUS_CAN_ACK
//   void quiesce(subscription&, completion<>&&);                                         // [control]
//   void room(std::string_view topic, completion<>&&);                                   // [hot]     if it answers E_FULL
//   void limit(postbus_transport& table) const noexcept;                     // what this instance is not, after its constructor
//
// plugin.h says what each of them promises. An exception answers the call with its message.
#pragma once

#include <postbus/sdk/instance.hpp>

#include <concepts>

namespace postbus::sdk {

// Where a subscription's deliveries go; a copyable reference, valid until its unsubscribe completed.
class sink {
 public:
  sink() noexcept = default;
  explicit sink(const postbus_sink& raw) noexcept : raw_(&raw) {}

  // Never beyond the subscription's credit. With bounded credit it may be called with a lock held.
  void deliver(std::span<const postbus_delivery> deliveries) const noexcept {
    raw_->deliver(raw_->ctx, deliveries.data(), deliveries.size());
  }
  void deliver(const postbus_delivery& delivery) const noexcept { raw_->deliver(raw_->ctx, &delivery, 1); }
  void notice(postbus_notice what) const noexcept {
    what.size = sizeof what;
    raw_->notice(raw_->ctx, &what);
  }
  // As plugin.h has it, for who passes it on.
  const postbus_sink* raw() const noexcept { return raw_; }

 private:
  const postbus_sink* raw_ = nullptr;
};

template <class T>
concept transport = requires(T t, typename T::subscription& s, const postbus_sub& request, const sink& to,
                             std::span<const postbus_out> events) {
  { T::can } -> std::convertible_to<std::uint32_t>;
  t.publish(events, publish_completion{});
  t.subscribe(request, to, completion<typename T::subscription*>{});
  t.unsubscribe(s, completion<>{});
};

namespace detail {
template <class T>
concept names_a_transport = requires {
  typename T::subscription;
}
|| requires { T::can; };
template <class T>
concept has_credit = requires(T t, typename T::subscription& s) {
  t.credit(s, 1u);
};
template <class T>
concept has_settle = requires(T t, std::span<const postbus_settle> s) {
  t.settle(s, settle_completion{});
};
template <class T>
concept has_quiesce = requires(T t, typename T::subscription& s) {
  t.quiesce(s, completion<>{});
};
template <class T>
concept has_room = requires(T t) {
  t.room(std::string_view{}, completion<>{});
};
template <class T>
concept has_data_max = requires(const T t) {
  { t.data_max() }
  noexcept->std::convertible_to<std::uint64_t>;
};
template <class T>
concept has_limit = requires(const T t, postbus_transport& table) {
  t.limit(table);
};
template <class T>
concept names_data_max = requires {
  &T::data_max;
};
template <class T>
concept names_quiesce = requires {
  &T::quiesce;
};
template <class T>
concept names_room = requires {
  &T::room;
};

// The C table of a transport. One per instance, for data_max may come from its settings.
template <class T>
struct transport_face {
  static_assert(has_credit<T> == ((T::can & POSTBUS_CAN_CREDIT) != 0),
                "POSTBUS_CAN_CREDIT and void credit(subscription&, std::uint32_t) go together");
  static_assert(
      has_settle<T> == ((T::can & POSTBUS_CAN_ACK) != 0),
      "POSTBUS_CAN_ACK and void settle(std::span<const postbus_settle>, settle_completion&&) go together");

  static_assert(has_data_max<T> == names_data_max<T>, "data_max is: std::uint64_t data_max() const noexcept");
  static_assert(has_quiesce<T> == names_quiesce<T>,
                "quiesce is: void quiesce(subscription&, completion<>&&)");
  static_assert(has_room<T> == names_room<T>, "room is: void room(std::string_view topic, completion<>&&)");

  static postbus_transport table(const T& impl) noexcept {
    postbus_transport t{};
    t.size = sizeof t;
    t.can = T::can;
    t.needs = needs_of<T>();
    if constexpr (requires { T::answers_at_once; })
      t.flags = T::answers_at_once ? unsigned{POSTBUS_ANSWERS_AT_ONCE} : 0u;
    t.data_max = UINT64_MAX;
    if constexpr (has_data_max<T>) t.data_max = impl.data_max();
    t.publish = [](void* self, const postbus_out* events, std::size_t n, postbus_done done) {
      guarded_call(publish_completion{done, instance_of<T>(self).owed}, [&](auto& answer) {
        impl_of<T>(self).publish(std::span{events, n}, std::move(answer));
      });
    };
    t.subscribe = [](void* self, const postbus_sub* request, const postbus_sink* to, postbus_done done) {
      guarded_call(completion<subscription*>{done, instance_of<T>(self).owed},
                   [&](auto& answer) { impl_of<T>(self).subscribe(*request, sink{*to}, std::move(answer)); });
    };
    t.unsubscribe = [](void* self, void* sub, postbus_done done) {
      guarded_call(completion<>{done, instance_of<T>(self).owed}, [&](auto& answer) {
        impl_of<T>(self).unsubscribe(*static_cast<subscription*>(sub), std::move(answer));
      });
    };
    if constexpr (has_quiesce<T>)
      t.quiesce = [](void* self, void* sub, postbus_done done) {
        guarded_call(completion<>{done, instance_of<T>(self).owed}, [&](auto& answer) {
          impl_of<T>(self).quiesce(*static_cast<subscription*>(sub), std::move(answer));
        });
      };
    if constexpr (has_credit<T>)
      t.credit = [](void* self, void* sub, std::uint32_t n) {
        guarded(
            [&] { impl_of<T>(self).credit(*static_cast<subscription*>(sub), n); },
            [&](std::int32_t, std::string_view what) { context_of<T>(self).log(POSTBUS_LOG_ERROR, what); });
      };
    if constexpr (has_settle<T>)
      t.settle = [](void* self, const postbus_settle* items, std::size_t n, postbus_done done) {
        guarded_call(settle_completion{done, instance_of<T>(self).owed}, [&](auto& answer) {
          impl_of<T>(self).settle(std::span{items, n}, std::move(answer));
        });
      };
    if constexpr (has_room<T>)
      t.room = [](void* self, postbus_str topic, postbus_done done) {
        guarded_call(completion<>{done, instance_of<T>(self).owed},
                     [&](auto& answer) { impl_of<T>(self).room(view(topic), std::move(answer)); });
      };
    if constexpr (has_limit<T>) impl.limit(t);
    return t;
  }

 private:
  using subscription = typename T::subscription;
};
}  // namespace detail

}  // namespace postbus::sdk
