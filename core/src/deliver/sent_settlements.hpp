// sent_settlements: settlements that the transport has and has not answered yet: one pooled block, with the settlements behind it. The
// transport answers before it is stopped, so the engine is there.
#pragma once

#include <postbus/plugin.h>

#include <span>

namespace postbus::detail {

class engine;
struct transport_slot;

struct sent_settlements {
  engine& owner;
  const transport_slot& to;
  const std::size_t n;
  const postbus_done then;  // hears of the first; fn may be NULL

  static sent_settlements* make(engine& owner, const transport_slot& to, std::span<const postbus_settle> all,
                                postbus_done then = {});
  postbus_settle* items() noexcept { return reinterpret_cast<postbus_settle*>(this + 1); }
  // A done. Says what failed: the transport will deliver those events again, or not forget them.
  static void answered(void* ctx, std::int32_t status, const void* result, const postbus_error* error);
};

}  // namespace postbus::detail
