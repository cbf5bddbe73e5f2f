// settlement_batch: what goes back to the transport together: settlements, then credit.
#pragma once

#include "engine/engine.hpp"
#include "sent_settlements.hpp"

#include <boost/container/static_vector.hpp>

#include <algorithm>
#include <array>

namespace postbus::detail {

// What goes back to the transport together.
struct subscription_state::batch {
  explicit batch(subscription_state& owner) noexcept : s(owner) {}
  batch(const batch&) = delete;
  batch& operator=(const batch&) = delete;
  ~batch() { flush(); }

  static constexpr std::size_t together = 64;

  // Settled once the features know; those that are told together go together.
  void tell_first(item& i, const verdict& v) {
    untold.push_back({&i, v});
    if (untold.size() == together) s.tell_features(*this);
  }
  void settle(const item& i, std::uint32_t what, std::int64_t value_ns = 0) {
    if (i.token == 0 || (i.from->to.can & POSTBUS_CAN_ACK) == 0) return;
    go_to(*i.from);
    if (count == settlements.size()) send();
    settlements[count++] = {i.token, what, 0, value_ns, nullptr};
  }
  void settle_alone(const item& i, std::uint32_t what, postbus_done then) {
    go_to(*i.from);
    send();
    settlements[count++] = {i.token, what, 0, 0, nullptr};
    send(then);
  }
  void credit(attachment& whose) {
    go_to(whose);
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
  void send(postbus_done then = {}) {
    if (count == 0) return;
    sent_settlements* sent = sent_settlements::make(s.owner, to->to, {settlements.data(), count}, then);
    count = 0;
    const passage inside(s.owner.threads.mine());
    to->to.table->settle(to->to.self, sent->items(), sent->n, {&sent_settlements::answered, sent});
  }
  bool is_empty() const noexcept { return ended == 0 && count == 0 && credits == 0 && untold.empty(); }
  // Whether it is to go, though nobody is idle.
  bool is_due() const noexcept { return untold.empty() || untold.size() + ended >= together / 2; }
  // What is in `other`, which is empty then.
  void take_over(batch& other) noexcept {
    to = other.to;
    count = std::exchange(other.count, 0);
    std::copy_n(other.settlements.begin(), count, settlements.begin());
    credits = std::exchange(other.credits, 0);
    ended = std::exchange(other.ended, 0);
    untold.swap(other.untold);
  }
  // The features, the settlements, then credit for what comes next, and only then is nothing open: who waits for that sees all of it.
  void flush() {
    if (!untold.empty()) s.tell_features(*this);
    give();
    const std::uint64_t n = std::exchange(ended, 0);
    if (n > 0 && s.open_.fetch_sub(n) == n) {
      s.owner.something_ended();
      s.check_empty();
    }
  }

  subscription_state& s;
  struct ending {
    item* what;
    verdict how;
  };
  boost::container::static_vector<ending, together> untold;
  attachment* to = nullptr;
  std::array<postbus_settle, together> settlements;
  std::size_t count = 0;
  std::uint32_t credits = 0;
  std::uint64_t ended = 0;
};

}  // namespace postbus::detail
