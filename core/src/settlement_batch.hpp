// settlement_batch: what goes back to the transport together: settlements, then credit.
#pragma once

#include "block_pool.hpp"
#include "engine.hpp"

#include <algorithm>
#include <array>

namespace postbus::detail {

// What goes back to the transport together.
struct subscription_state::batch {
  explicit batch(subscription_state& owner) noexcept : s(owner) {}
  batch(const batch&) = delete;
  batch& operator=(const batch&) = delete;
  ~batch() { flush(); }

  void settle(const item& i, std::uint32_t what, std::int64_t value_ns = 0) {
    if (i.token == 0 || (i.from->to.can & POSTBUS_CAN_ACK) == 0) return;
    go_to(*i.from);
    if (count == settlements.size()) send();
    settlements[count++] = {i.token, what, 0, value_ns, nullptr};
  }
  void credit(const item& i) {
    go_to(*i.from);
    ++credits;
  }
  // What goes together goes to one transport.
  void go_to(attachment& next) {
    if (to != &next) give();
    to = &next;
  }
  void give() {
    send();
    if (credits > 0) s.give_credit(*to, std::exchange(credits, 0));
  }
  void send() {
    if (count == 0) return;
    // The transport may read them until its done ran.
    auto* block = static_cast<postbus_settle*>(pool_allocate(count * sizeof(postbus_settle)));
    std::copy_n(settlements.data(), count, block);
    const passage inside(s.owner.threads.mine());
    to->to.table->settle(
        to->to.self, block, std::exchange(count, 0),
        {[](void* ctx, std::int32_t, const void*, const postbus_error*) { pool_free(ctx); }, block});
  }
  // Settlements first, then credit for what comes next, and only then is nothing open: who waits for that sees all of it.
  void flush() {
    give();
    const std::uint64_t n = std::exchange(ended, 0);
    if (n > 0 && s.open_.fetch_sub(n) == n) {
      s.owner.something_ended();
      s.check_empty();
    }
  }

  subscription_state& s;
  attachment* to = nullptr;
  std::array<postbus_settle, 64> settlements;
  std::size_t count = 0;
  std::uint32_t credits = 0;
  std::uint64_t ended = 0;
};

}  // namespace postbus::detail
