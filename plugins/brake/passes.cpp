#include "brake.hpp"

namespace postbus::brake_plugin {
namespace {

enum reason : std::uint32_t { is_paused, has_lapsed };  // of the manifest

}  // namespace

bool plugin::is_exempt(std::string_view topic) const {
  return sdk::is_reserved(topic) ||
         std::any_of(exempt_.begin(), exempt_.end(), [&](const auto& p) { return sdk::matches(p, topic); });
}

// ---- publishes: by what this process knows. That every process knows is what a pause waits for.

sdk::verdict plugin::on_publish(sdk::item& i) {
  const std::string_view key = key_of(i.key());
  if (i.cause() == 0 && !book_.may_block(key)) return sdk::verdict::pass;
  const lock held(mutex_);
  if (const work* w = i.cause() != 0 ? registry_.find(i.cause()) : nullptr)
    return w->is_good(ctx_.now_ns()) ? sdk::verdict::pass : i.reject(has_lapsed);
  if (!book_.is_blocked(key, i.topic()) || is_exempt(i.topic())) return sdk::verdict::pass;
  if (!holds_publishes_) return i.reject(is_paused);
  registry_.park(i.ticket(), i.memo() = registry_.next_place(), key, i.topic());
  return sdk::verdict::hold;
}

void plugin::on_published(sdk::item& i) {
  if (i.memo() == 0) return;
  const lock held(mutex_);
  registry_.forget(i.ticket());
}

// ---- deliveries

// Its place is kept as its memo, so that it stays in order however often it is set aside.
// Open: it is registered, or needs not be. Ask: it is entered, and the store is to be asked. Shut: it is set aside; `out` was let by
// before, and is not any more.
plugin::gate plugin::look_at_gate(sdk::item& i, std::string_view key, std::optional<work>& out) {
  const lock held(mutex_);
  if (i.memo() == 0) i.memo() = registry_.next_place();
  if (is_fenced(ctx_.now_ns()) || book_.is_blocked(key, i.topic())) {
    out = registry_.take(i.ticket());
    registry_.park(i.ticket(), i.memo(), key, i.topic());
    return gate::shut;
  }
  const work* const w = registry_.find(i.ticket());
  return w != nullptr && w->is_registered ? gate::open : gate::ask;
}

sdk::verdict plugin::on_deliver(sdk::item& i) {
  if (is_exempt(i.topic())) return sdk::verdict::pass;
  const std::string_view key = key_of(i.key());
  for (;;) {
    std::optional<work> out;
    const gate g = look_at_gate(i, key, out);
    if (out) leave(*out);
    if (g == gate::open) return sdk::verdict::pass;
    if (g == gate::shut) return sdk::verdict::park;
    const sdk::verdict v = enter(i, key);
    // What the store refused here and now is looked at once more: now the process knows why.
    if (v != sdk::verdict::park) return v;
  }
}

sdk::verdict plugin::enter(sdk::item& i, std::string_view key) {
  ctx_.fill(i.event());
  work w;
  {
    const lock held(mutex_);
    w = registry_.enter(i.ticket(), process_, key, i.topic(), sdk::view(i.event().id));
  }
  const auto answer = std::make_shared<late_verdict>();
  const std::int64_t sent_ns = ctx_.now_ns();
  store_.execute(enter_ops(key, w.member, lease_),
                 [this, answer, w, sent_ns, ticket = i.ticket()](const sdk::store_answer& a) {
                   using enum sdk::verdict;
                   // One that is held is not parked by its verdict: it is asked about again, and parked then.
                   if (entered(ticket, w, sent_ns, a)) answer->give(flow_, ticket, pass, pass);
                   else answer->give(flow_, ticket, park, hold);
                 });
  return answer->take(i);
}

// Whether it may start. What was paused, lost or given back meanwhile may not, and is not registered.
bool plugin::entered(std::uint64_t ticket, const work& w, std::int64_t sent_ns, const sdk::store_answer& a) {
  const bool is_in = a.ok();
  bool is_wanted;
  {
    const lock held(mutex_);
    work* const mine = registry_.find(ticket);
    is_wanted = mine != nullptr && mine->member == w.member;
    const bool may = is_in && is_wanted && !book_.is_blocked(w.key, w.topic);
    if (may) {
      mine->is_registered = true;
      mine->good_until_ns = sent_ns + lease_.count();
      return true;
    }
    if (is_wanted) registry_.take(ticket);
  }
  if (is_in || a.status() == POSTBUS_E_UNKNOWN) leave(w);
  if (is_in) return false;
  if (a.status() == POSTBUS_OK && !w.key.empty() && a[0].status == POSTBUS_E_CONFLICT) flag_seen(w.key);
  else lost_contact(a.status() == POSTBUS_OK ? "the store does not take a registration" : a.message());
  return false;
}

// ---- how they ended

void plugin::add_leave(sdk::store_ops& to, const work& w) const {
  to.zset_erase(work_key(w.key), w.member);
  const lock held(mutex_);
  for (const std::string& name : book_.blocking(w.key, w.topic)) to.notify(confirm_key(name));
}

void plugin::leave(const work& w) {
  sdk::store_ops ops;
  add_leave(ops, w);
  store_.execute(std::move(ops), [this, w](const sdk::store_answer& a) {
    if (a.status() == POSTBUS_OK) return;
    const lock held(mutex_);
    registry_.owe(work_key(w.key), w.member);
  });
}

sdk::verdict plugin::on_settled(sdk::item& i) {
  std::optional<work> w;
  {
    const lock held(mutex_);
    registry_.forget(i.ticket());
    w = registry_.take(i.ticket());
  }
  if (!w || !w->is_registered)
    return sdk::verdict::pass;  // one that is entered now finds out that it is gone
  const bool counts = i.outcome() == POSTBUS_ACK || i.outcome() == POSTBUS_DROPPED;
  if (!counts || !w->is_good(ctx_.now_ns())) {
    leave(*w);
    return counts ? i.reject(has_lapsed) : sdk::verdict::pass;
  }
  sdk::store_ops ops;
  ops.zset_erase(work_key(w->key), w->member).if_at_most().store_time();
  add_leave(ops, *w);
  const auto answer = std::make_shared<late_verdict>();
  store_.execute(std::move(ops), [this, answer, w = *w, ticket = i.ticket()](const sdk::store_answer& a) {
    // Out of reach: by our own clock, which began earlier than the lease did.
    const bool is_good = a.status() == POSTBUS_OK ? bool(a[0]) : w.is_good(ctx_.now_ns());
    if (a.status() != POSTBUS_OK) {
      const lock held(mutex_);
      registry_.owe(work_key(w.key), w.member);
    }
    const sdk::verdict v = is_good ? sdk::verdict::pass : sdk::verdict::reject;
    answer->give(flow_, ticket, v, v, has_lapsed);
  });
  return answer->take(i);
}

}  // namespace postbus::brake_plugin
