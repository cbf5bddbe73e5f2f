// A feature: a class that looks at events on their way and gives a verdict on each. It has one or both of
//
//   verdict on_publish(item&);   // before the event goes to its transport
//   verdict on_deliver(item&);   // before the handler starts, on a worker
// and where it wants to hear how it ended, once for each item that it passed, held or parked:
//   void on_published(item&);    // outcome(): a status
//   verdict on_settled(item&);   // outcome(): POSTBUS_ACK …; before the transport hears it: pass, hold, or reject an ack
//
// Or it takes what comes together at once, to ask a store about all of it in one call:
//
//   std::uint32_t stages() const;   // POSTBUS_AT_PUBLISH …, asked once, after the constructor
//   void on_batch(std::uint32_t stage, std::span<postbus_item>);   // sets the verdict of each, which is pass when it is called
//
// It may be called from many threads at once; it never blocks. An exception is the verdict `fail`: the feature's on_error in
// the configuration decides what becomes of the event.
#pragma once

#include <postbus/sdk/instance.hpp>

#include <concepts>

namespace postbus::sdk {

enum class verdict : std::uint32_t {
  pass = POSTBUS_PASS,        // go on
  drop = POSTBUS_DROP,        // done, nothing went wrong: the publish says ok, the delivery is acked
  reject = POSTBUS_REJECT,    // the publish fails; the delivery goes to dead letters
  hold = POSTBUS_HOLD,        // the verdict follows soon through postbus.flow/1; the lane waits
  park = POSTBUS_PARK,        // set aside until resumed through postbus.flow/1
  replace = POSTBUS_REPLACE,  // go on with another event
  fail = POSTBUS_FAIL,        // the feature itself failed
};

// One event before its verdict; valid during the call.
class item {
 public:
  explicit item(postbus_item& raw) noexcept : raw_(raw) {}

  const postbus_event& event() const noexcept { return *raw_.event; }
  std::string_view topic() const noexcept { return view(raw_.event->topic); }
  std::string_view data() const noexcept { return view(raw_.event->data); }
  // The value of the feature's configured `key` expression; empty when none is configured, or the event has no such value.
  std::string_view key() const noexcept { return view(raw_.key); }
  bool has_key_configured() const noexcept { return raw_.key.ptr != nullptr; }
  // Whose delivery it is; nullptr at publish.
  const postbus_subscriber* subscriber() const noexcept { return raw_.subscriber; }
  // At publish and deliver: whether the transport that it goes over, or came over, has this POSTBUS_CAN_… .
  bool transport_can(std::uint32_t capability) const noexcept { return (raw_.can & capability) != 0; }
  // Names the item until it is settled.
  std::uint64_t ticket() const noexcept { return raw_.ticket; }
  // A word of the feature's own, kept from on_deliver to the settled pass.
  std::uint64_t& memo() noexcept { return raw_.memo; }
  // Handlers started for this delivery before; 0 at publish.
  std::uint32_t attempt() const noexcept { return raw_.attempt; }

  // `reason` is an index into the manifest's "reasons".
  verdict reject(std::uint32_t reason) noexcept { return raw_.reason = reason, verdict::reject; }
  // Goes on with `event`; its topic decides anew where it goes.
  verdict replace(kept_event event) noexcept {
    replacement_ = std::move(event);
    return replacement_ ? verdict::replace : verdict::fail;
  }
  // At on_published a status, at on_settled POSTBUS_ACK, RELEASE, FAILED, DEAD or DROPPED.
  std::int32_t outcome() const noexcept { return raw_.outcome; }
  // The ticket of the delivery that a publish came through; 0: none, or none that a feature was asked about.
  std::uint64_t cause() const noexcept { return raw_.cause; }
  // Used by the face: the host takes over what replace() got.
  void hand_over(verdict answer) noexcept {
    raw_.verdict = static_cast<std::uint32_t>(answer);
    if (answer == verdict::replace) raw_.replacement = replacement_.release();
  }

 private:
  postbus_item& raw_;
  kept_event replacement_;
};

template <class T>
concept publish_feature = requires(T feature, item& i) {
  { feature.on_publish(i) } -> std::same_as<verdict>;
};
template <class T>
concept deliver_feature = requires(T feature, item& i) {
  { feature.on_deliver(i) } -> std::same_as<verdict>;
};
template <class T>
concept published_feature = requires(T feature, item& i) {
  { feature.on_published(i) } -> std::same_as<void>;
};
template <class T>
concept settled_feature = requires(T feature, item& i) {
  { feature.on_settled(i) } -> std::same_as<verdict>;
};
template <class T>
concept batch_feature = requires(T feature, std::span<postbus_item> items) {
  { feature.stages() } -> std::same_as<std::uint32_t>;
  { feature.on_batch(std::uint32_t{}, items) } -> std::same_as<void>;
};
template <class T>
concept feature = publish_feature<T> || deliver_feature<T> || batch_feature<T>;

// What a feature says about items later: postbus.flow/1. For a plugin whose manifest requires it, and names the verdicts hold and park
// that it gives.
class flow {
 public:
  explicit flow(context& ctx) : table_(ctx.service<postbus_flow>("postbus.flow/1", &self_)) {
    if (table_ == nullptr) throw failure(POSTBUS_E_UNSUPPORTED, "this host has no postbus.flow/1");
  }

  // [any] The verdict for an item that is held or parked; from on_batch on, also before that returned. In this order; the rest of the
  // chain runs on a worker. park: one that is held is parked from now on, and waits for a verdict still. hold: the feature is asked once
  // more, when the item's turn comes.
  void resume(std::uint64_t ticket, verdict answer, std::uint32_t reason = 0) const noexcept {
    const postbus_verdict one{ticket, static_cast<std::uint32_t>(answer), reason, nullptr};
    table_->resume(self_, &one, 1);
  }
  void resume(std::span<const postbus_verdict> answers) const noexcept {
    table_->resume(self_, answers.data(), answers.size());
  }
  // [any] What was passed and has not started is shown again: on return none of it can start unseen.
  void recall() const noexcept { table_->recall(self_, nullptr, 0); }

 private:
  void* self_ = nullptr;
  const postbus_flow* table_;
};

namespace detail {
template <class T>
concept names_on_settled = requires {
  &T::on_settled;
};
template <class T>
concept names_on_published = requires {
  &T::on_published;
};
template <class T>
concept names_on_publish = requires {
  &T::on_publish;
};
template <class T>
concept names_on_deliver = requires {
  &T::on_deliver;
};

template <class T>
concept names_on_batch = requires {
  &T::on_batch;
};

template <class T>
void ask(T& impl, std::uint32_t stage, postbus_item& raw) {
  item one{raw};
  if constexpr (publish_feature<T>)
    if (stage == POSTBUS_AT_PUBLISH) one.hand_over(impl.on_publish(one));
  if constexpr (deliver_feature<T>)
    if (stage == POSTBUS_AT_DELIVER) one.hand_over(impl.on_deliver(one));
  if constexpr (published_feature<T>)
    if (stage == POSTBUS_AT_PUBLISHED) impl.on_published(one);
  if constexpr (settled_feature<T>)
    if (stage == POSTBUS_AT_SETTLED) one.hand_over(impl.on_settled(one));
}

// The C table of a feature.
template <class T>
struct interceptor_face {
  static constexpr postbus_interceptor table{
      .size = sizeof(postbus_interceptor),
      .stages = (publish_feature<T> ? unsigned{POSTBUS_AT_PUBLISH} : 0u) |
                (deliver_feature<T> ? unsigned{POSTBUS_AT_DELIVER} : 0u) |
                (published_feature<T> ? unsigned{POSTBUS_AT_PUBLISHED} : 0u) |
                (settled_feature<T> ? unsigned{POSTBUS_AT_SETTLED} : 0u),
      .needs = needs_of<T>(),
      .flags = 0,
      .on_batch = [](void* self, std::uint32_t stage, postbus_item* items, std::size_t n) {
        for (postbus_item& raw : std::span{items, n})
          guarded([&] { ask(impl_of<T>(self), stage, raw); },
                  [&](std::int32_t, std::string_view what) {
                    raw.verdict = POSTBUS_FAIL;
                    context_of<T>(self).log(POSTBUS_LOG_ERROR, what);
                  });
      }};
};

// That of one that takes batches: which stages it looks at is known once it is made.
template <class T>
postbus_interceptor batch_table(const T& impl) {
  return {sizeof(postbus_interceptor), impl.stages(), needs_of<T>(), 0,
          [](void* self, std::uint32_t stage, postbus_item* items, std::size_t n) {
            const std::span all{items, n};
            guarded([&] { impl_of<T>(self).on_batch(stage, all); },
                    [&](std::int32_t, std::string_view what) {
                      for (postbus_item& raw : all) raw.verdict = POSTBUS_FAIL;
                      context_of<T>(self).log(POSTBUS_LOG_ERROR, what);
                    });
          }};
}
}  // namespace detail

}  // namespace postbus::sdk
