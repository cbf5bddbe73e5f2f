#include "world.hpp"

#include "support/bus.hpp"

namespace postbus::ledger {

using tests::config_for;

world::world(std::uint64_t seed, bool tells)
    : clock(seed), books(clock, tells), random_(seed), instance_("ledger-" + std::to_string(seed)) {
  clock.explore();
  link_may_stall_ = one_in(4);
  store_may_fail_ = books.store_may_fail = one_in(4);
  const std::string answers = one_in(2) ? "later" : "at-once", queue_max = std::to_string(60 + below(140));
  for (auto& b : buses_) {
    config c = config_for(link_may_stall_ ? "memory+faults" : "memory")
                   .name("ledger")
                   .set("transport.instance", instance_)
                   .set("transport.queue_max", queue_max)
                   .set("store.plugin", "memory-store")
                   .set("store.instance", instance_)
                   .set("store.answers", answers)
                   .clock(clock);
    if (link_may_stall_)
      c.set("plugin.faults.seed", std::to_string(seed)).set("plugin.faults.stall_max", "\"3ms\"");
    if (store_may_fail_)
      c.set("store.wrappers", "[\"faults-store\"]").set("plugin.faults-store.seed", std::to_string(seed));
    b = std::make_unique<bus>(c);
  }
  link_stalls(true);
  store_fails(true);
}

world::~world() {
  deferred_.clear();
  for (member& m : books.members) m.handle = {};
}

void world::later(std::int64_t delay_ns, std::function<void()> f) {
  struct plan {
    world& owner;
    std::function<void()> f;
  };
  ++plans_;
  const auto posted = [](void* ctx) {
    const std::unique_ptr<plan> mine(static_cast<plan*>(ctx));
    --mine->owner.plans_;
    mine->f();
  };
  static constexpr auto due = [](void* ctx, std::int32_t, const void*, const postbus_error*) {
    static_cast<plan*>(ctx)->owner.clock.post(decltype(posted){}, ctx);
  };
  clock.timer(delay_ns, {due, new plan{*this, std::move(f)}});
}

void world::run() {
  for (unsigned role = 0; role < roles; ++role) subscribe(role);
  for (int publisher = 0; publisher < 4; ++publisher)
    later(static_cast<std::int64_t>(below(2'000'000)), [this] { publish_some(260); });
  plan_faults();
  constexpr std::int64_t end_ns = 10'000'000'000;
  while (plans_ > 0 && clock.now_ns() < end_ns) clock.advance(std::chrono::microseconds(1 + below(5'000)));

  link_stalls(false);
  store_fails(false);
  for (unsigned role = 0; role < roles; ++role)
    if (now_[role] == nullptr) subscribe(role);
  constexpr unsigned ordered_role = 4;
  clock.advance(std::chrono::seconds(1));
  if (one_in(3)) {  // a group keeps what it is sent while nobody is there
    unsubscribe(*now_[ordered_role]);
    for (int n = 0; n < 20; ++n) publish_one(0, true);
  }
  for (int n = 0; n < 4; ++n) clock.advance(std::chrono::seconds(5));

  if (plans_ != 0 || !deferred_.empty() || !pauses_.empty())
    books.complain("the run does not come to its end");
  see_what_struck();
  audit_groups(queued());
  audit_boxes();
  for (unsigned b = 0; b < 2; ++b) {
    if (buses_[b] == nullptr) continue;
    if (!buses_[b]->in_flight().empty()) books.complain("something is in flight at the end");
    reports_[b] = buses_[b]->close();
    buses_[b].reset();
  }
  audit_counts();
  for (unsigned b = 0; b < 2; ++b) audit_report(b, reports_[b]);
  if (clock.pending_timers() != 0)
    books.complain(std::to_string(clock.pending_timers()) + " timers are pending at the end");
}

}  // namespace postbus::ledger
