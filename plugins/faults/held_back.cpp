#include "held_back.hpp"

#include <algorithm>

namespace postbus::faults {

// A copy that outlives the call; the encoded event changes owner.
struct held_back::delivery {
  delivery(const postbus_delivery& d, sdk::kept_event kept, until e, std::uint64_t n)
      : event(std::move(kept)),
        topic(sdk::view(d.topic)),
        position(sdk::view(d.position)),
        end(e),
        number(n),
        raw(d) {
    raw.event = event.get();
    raw.topic = sdk::str(topic);
    raw.position = sdk::str(position);
  }
  delivery(const delivery&) = delete;
  delivery& operator=(const delivery&) = delete;
  ~delivery() {
    if (raw.wire.release != nullptr) raw.wire.release(raw.wire.ctx);
  }
  void hand_on(const sdk::sink& to) noexcept {
    to.deliver(raw);
    raw.wire.release = nullptr;
  }

  sdk::kept_event event;
  std::string topic, position;
  until end;
  std::uint64_t number;
  postbus_delivery raw;
};

held_back::held_back(sdk::context& ctx, plan& faults, link& way, const sdk::sink& to, bool has_credit)
    : ctx_(ctx),
      plan_(faults),
      link_(way),
      to_(to),
      has_credit_(has_credit),
      sink_{sizeof sink_, 0, this,
            [](void* self, const postbus_delivery* all, std::size_t n) {
              static_cast<held_back*>(self)->deliver({all, n});
            },
            [](void* self, const postbus_notice* what) { static_cast<held_back*>(self)->notice(*what); }} {}

held_back::~held_back() = default;

void held_back::deliver(std::span<const postbus_delivery> all) {
  const bool nothing_to_do =
      !plan_.may_strike(fault::delay) && !plan_.may_strike(fault::reorder) && !link_.is_down() && count_ == 0;
  if (!has_credit_ || nothing_to_do) return to_.deliver(all);
  for (const postbus_delivery& d : all) {
    if (link_.is_down() && hold(d, until::back)) continue;
    if (plan_.strikes(fault::delay) && hold(d, until::due)) continue;
    if (plan_.strikes(fault::reorder) && hold(d, until::next)) continue;
    pass(d);
    let_go([](const delivery& one) { return one.end == until::next; });
  }
}

bool held_back::hold(const postbus_delivery& d, until end) {
  if (!link_.enter()) return false;
  std::uint64_t number = 0;
  sdk::detail::guarded(
      [&] {
        sdk::kept_event kept;
        if (d.event != nullptr && !(kept = ctx_.keep(*d.event))) return;
        const std::lock_guard lock(mutex_);
        if (closed_) return;
        // Before it is made: where this throws, the delivery is still the caller's.
        if (held_.size() == held_.capacity()) held_.reserve(2 * held_.size() + 8);
        held_.push_back(std::make_unique<delivery>(d, std::move(kept), end, last_ + 1));
        number = ++last_;
        count_ = held_.size();
      },
      [](std::int32_t, std::string_view) {});
  if (number != 0 && end != until::back)
    sdk::detail::guarded(
        [&] {
          const auto wait = end == until::due ? plan_.length(fault::delay) : plan_.longest(fault::delay);
          ctx_.timer(wait, [me = shared_from_this(), number] {
            me->let_go([number](const delivery& one) { return one.number == number; });
          });
        },
        [&](std::int32_t, std::string_view) {
          let_go([number](const delivery& one) { return one.number == number; });
        });
  link_.leave();
  return number != 0;
}

void held_back::let_go(const std::function<bool(const delivery&)>& which) {
  if (count_ == 0) return;
  const std::lock_guard lock(mutex_);
  let_go_locked(which);
}

void held_back::let_go_locked(const std::function<bool(const delivery&)>& which) {
  for (const auto& one : held_)
    if (which(*one)) one->hand_on(to_);
  std::erase_if(held_, [&](const auto& one) { return which(*one); });
  count_ = held_.size();
}

// Notices come in order with the deliveries.
void held_back::notice(const postbus_notice& what) {
  let_go([](const delivery&) { return true; });
  to_.notice(what);
}

void held_back::come_back(std::int64_t since_ns) {
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  let_go_locked([](const delivery& one) { return one.end == until::back; });
  postbus_notice gap{};
  gap.kind = POSTBUS_NOTICE_GAP;
  gap.since_ns = since_ns;
  gap.until_ns = ctx_.wall_ns();
  gap.reason = sdk::str("the link was down, as it was told to be");
  to_.notice(gap);
}

void held_back::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  let_go_locked([](const delivery&) { return true; });
}

}  // namespace postbus::faults
