// attachment: a subscription on one of its transports. Most have one; a pattern whose topics are routed apart has several.
#pragma once

#include "leases.hpp"
#include "publish/transport_slot.hpp"

#include <atomic>

namespace postbus::detail {

class subscription_state;

struct attachment {
  attachment(subscription_state& s, transport_slot& t, bool runs_inline);
  attachment(const attachment&) = delete;
  attachment& operator=(const attachment&) = delete;

  // Counts and logs what the transport says about the subscription.
  void noticed(const postbus_notice& n) noexcept;

  subscription_state& subscription;
  transport_slot& to;
  const bool dispatches_inline;
  const bool has_flow_control;
  const postbus_subscriber subscriber;  // as features see it
  postbus_sink sink{};
  void* handle = nullptr;  // the transport's
  std::atomic<bool> is_connected{false};
  std::uint32_t credit_held = 0;  // given back before `handle` was known; under the subscription's lock
  std::unique_ptr<leases> held;   // where the transport takes back what it does not hear of
};

}  // namespace postbus::detail
