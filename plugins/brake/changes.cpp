#include "brake.hpp"

#include <boost/json.hpp>

namespace postbus::brake_plugin {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::nanoseconds confirmation_lives = 24h;
constexpr std::string_view other_program = "another program", after_loss = "the brake, after a loss";

// What subscribers of agent:status hear; empty: nothing.
std::string_view event_of(phase p) noexcept {
  switch (p) {
    case phase::pausing:
      return "system.brake.activated";
    case phase::paused:
      return "system.brake.paused";
    case phase::partial:
      return "system.brake.partial";
    case phase::running:
      return "system.brake.resumed";
    default:
      return "";
  }
}

// The last segment of the topic; a key that cannot be one is told on "other".
std::string segment_of(const scope& of) {
  if (of.kind == scope::all) return "all";
  if (of.kind == scope::pattern) return "pattern";
  const bool is_segment = of.value.find(':') == of.value.npos && !sdk::check_topic(of.value);
  return is_segment ? of.value : "other";
}

}  // namespace

// ---- what the store says

void plugin::reconcile(const std::string& name, const record& r) {
  finding f;
  std::int64_t next;
  bool is_current;
  {
    const lock held(mutex_);
    f = book_.judge(name, r);
    const known* const k = book_.find(name);
    next = std::max(r.epoch, k != nullptr ? k->epoch : 0) + 1;
    is_current = k == nullptr || r.epoch >= k->epoch;
  }
  change c;
  c.epoch = next;
  const auto enter = [&] { enter_change(name, r, c, [](std::int32_t, std::string_view) {}); };
  switch (f) {
    case finding::nothing:
      return;
    case finding::news:
      return learn(name, r.epoch, r.phase);
    case finding::foreign_pause:
      if (is_current) take_hold(name);
      c.actor = other_program;
      c.leaves_flag_as_is = true;
      return enter();
    case finding::foreign_resume:
      c.to = phase::resuming;
      c.actor = other_program;
      return enter();
    case finding::lost:
      c.actor = after_loss;
      return enter();
  }
}

void plugin::learn(const std::string& name, std::int64_t epoch, phase p) {
  book::effect e;
  {
    const lock held(mutex_);
    e = book_.learn(name, epoch, p, ctx_.now_ns());
    if (e == book::effect::none) return;
    if (p == phase::running) confirmed_.erase(name);
    if (const auto d = drives_.find(name); d != drives_.end() && (d->second != epoch || p == phase::running))
      drives_.erase(d);
  }
  if (e == book::effect::blocked || p == phase::pausing) take_hold(name);
  if (e == book::effect::released) release();
  if (p == phase::pausing || p == phase::resuming) confirm(name, epoch);
  if (p == phase::pausing) ctx_.timer(limits_.verify_after, [this, name] { look(name); });
  if (p == phase::resuming) ctx_.timer(limits_.confirm_within, [this, name] { look(name); });
  bool is_awaited;
  {
    const lock held(mutex_);
    is_awaited = waiters_.contains(name);
  }
  if (is_awaited) look(name);
}

// The gate found the flag; what else there is to know is read.
void plugin::flag_seen(std::string_view key) {
  const std::string name(key);
  take_hold(name);
  read({name}, [](bool) {});
}

// From here on nothing of the scope starts in this process, and what runs is asked to stop.
void plugin::take_hold(const std::string& name) {
  std::vector<std::uint64_t> tickets;
  {
    const lock held(mutex_);
    book_.block(name, ctx_.now_ns());
    const scope of = scope::named(name);
    for (const auto& [ticket, w] : registry_.running())
      if (of.covers(w.key, w.topic)) tickets.push_back(ticket);
  }
  flow_.recall();
  for (const std::uint64_t ticket : tickets) {
    const std::string text = std::to_string(ticket);
    const postbus_pair where{{}, sdk::str(text)};
    inflight_->request_stop(inflight_self_, &where, 1, sdk::str("the brake was pulled"));
  }
}

void plugin::confirm(const std::string& name, std::int64_t epoch) {
  sdk::store_ops ops;
  {
    const lock held(mutex_);
    const known* const k = book_.find(name);
    if (k == nullptr || k->epoch != epoch) return;
    confirmed_[name] = epoch;
  }
  ops.hash_set(confirm_key(name), process_, survey::confirmation(epoch, 0)).ttl(confirmation_lives);
  ops.notify(confirm_key(name));
  store_.execute(std::move(ops), [](const sdk::store_answer&) {});  // the heartbeat says it again
}

// ---- a change of this process's own

void plugin::enter_change(const std::string& name, const record& seen, change c,
                          std::function<void(std::int32_t status, std::string_view message)> then) {
  sdk::store_ops ops = change_ops(name, seen, c);
  store_.execute(std::move(ops), [this, name, c, seen_as = seen.phase,
                                  then = std::move(then)](const sdk::store_answer& a) {
    if (a.status() != POSTBUS_OK) return then(a.status(), a.message());
    for (std::size_t n = 0; n < a.size(); ++n)
      if (a[n].status != POSTBUS_OK && a[n].status != POSTBUS_E_CANCELLED)
        return then(a[n].status == POSTBUS_E_CONFLICT && n == 0 && !c.heard.empty() ? POSTBUS_E_CANCELLED
                                                                                    : a[n].status,
                    a[n].value());
    {
      const lock held(mutex_);
      drives_[name] = c.epoch;
    }
    learn(name, c.epoch, c.to);
    if (seen_as != c.to) tell(name, c);
    then(POSTBUS_OK, {});
  });
}

void plugin::tell(const std::string& name, const change& c) {
  const std::string_view what = event_of(c.to);
  if (what.empty()) return;
  const scope of = scope::named(name);
  boost::json::object body{
      {"type", what}, {"scope", name}, {"epoch", c.epoch}, {"state", name_of(c.to)}, {"process", process_}};
  if (!c.actor.empty()) body["actor"] = c.actor;
  if (c.to == phase::partial) body["running"] = boost::json::parse(c.stuck);
  const std::string topic = status_ + ":" + segment_of(of), text = boost::json::serialize(body);
  postbus_event fields{};
  fields.size = sizeof fields;
  fields.topic = sdk::str(topic);
  fields.content_type = sdk::str("application/json");
  fields.data = sdk::bytes(text);
  const postbus_event* const one = &fields;
  publisher_->publish(publisher_self_, &one, 1, {nullptr, nullptr});
}

}  // namespace postbus::brake_plugin
