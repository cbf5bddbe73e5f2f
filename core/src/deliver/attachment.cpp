#include "attachment.hpp"

#include "engine/engine.hpp"
#include "subscription_state.hpp"

namespace postbus::detail {

attachment::attachment(subscription_state& s, transport_slot& t, bool runs_inline)
    : subscription(s),
      to(t),
      dispatches_inline(runs_inline),
      has_flow_control((t.can & POSTBUS_CAN_CREDIT) != 0),
      subscriber{sizeof subscriber, 0, s.number_in_order, sdk::str(s.pattern), sdk::str(s.options.group)} {
  if ((t.can & POSTBUS_CAN_LEASE) != 0) held = std::make_unique<leases>(*this, s.options.lease);
  sink = {sizeof sink, 0, this,
          [](void* ctx, const postbus_delivery* d, std::size_t count) {
            auto& self = *static_cast<attachment*>(ctx);
            self.subscription.deliver(self, d, count);
          },
          [](void* ctx, const postbus_notice* n) { static_cast<attachment*>(ctx)->noticed(*n); }};
}

void attachment::noticed(const postbus_notice& n) noexcept {
  if (n.kind < POSTBUS_NOTICE_GAP || n.kind > POSTBUS_NOTICE_ENDED) return;
  const std::size_t kind = n.kind - POSTBUS_NOTICE_GAP;
  to.notices[kind].fetch_add(1, std::memory_order_relaxed);
  to.missed.fetch_add(n.dropped, std::memory_order_relaxed);
  try {
    const auto when = [](std::int64_t ns) {
      return std::chrono::system_clock::time_point(
          std::chrono::duration_cast<std::chrono::system_clock::duration>(std::chrono::nanoseconds(ns)));
    };
    static constexpr notice::kind kinds[] = {notice::gap, notice::lost, notice::ended};
    const std::string_view said =
        n.err != nullptr && n.reason.len == 0 ? std::string_view(n.err->message) : sdk::view(n.reason);
    subscription.tell({kinds[kind], n.dropped, when(n.since_ns), when(n.until_ns), std::string(said)});
  } catch (const std::bad_alloc&) {
  }
  const std::int32_t level = n.kind == POSTBUS_NOTICE_ENDED ? POSTBUS_LOG_ERROR : POSTBUS_LOG_WARN;
  log_service& log = *subscription.owner.log;
  if (!log.enabled(level, "bus")) return;
  try {
    static constexpr const char* words[] = {" missed events", " was set up anew: its place was lost",
                                            " gets no more events"};
    std::string line = "the subscription to '" + subscription.pattern + "'";
    if (!subscription.options.group.empty()) line += " in group '" + subscription.options.group + "'";
    line.append(words[kind]).append(" on [" + to.path + "]");
    if (n.dropped > 0) line += ", " + std::to_string(n.dropped) + " of them";
    if (n.reason.len != 0) line.append(": ").append(sdk::view(n.reason));
    else if (n.err != nullptr) line.append(": ").append(n.err->message);
    log.burst(level, "bus", std::string(notice_names[kind]) + " " + to.name + " " + subscription.pattern,
              line);
  } catch (const std::bad_alloc&) {
  }
}

}  // namespace postbus::detail
