#include "brake.hpp"

namespace postbus::brake_plugin {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::nanoseconds first_retry = 100ms;
constexpr std::int64_t page = 1'000;            // keys that a look for pauses takes at once
constexpr std::chrono::nanoseconds gone = 24h;  // a process that ended without a word is forgotten then

// Of a page of SCAN.
std::vector<std::string> names_in(const sdk::store_result& found) {
  std::vector<std::string> names;
  for (std::size_t n = 1; n < found.values.size(); ++n)
    if (const auto name = found.value(n).substr(flag_prefix.size()); !name.empty()) names.emplace_back(name);
  return names;
}

}  // namespace

// What one heartbeat asked for, in the order of its ops.
struct plugin::pulse {
  struct renewal {
    std::uint64_t ticket;
    std::string member;
  };
  std::int64_t sent_ns = 0;
  std::vector<renewal> renewals;
  std::vector<registry::debt> debts;
  std::vector<std::string> scopes;
  std::size_t confirmations = 0;
};

bool plugin::is_fenced(std::int64_t now_ns) const noexcept {
  return !is_synchronised_ || is_out_of_contact_ || now_ns - last_contact_ns_ >= self_fence_.count();
}

// One call: this process lives, its work goes on, what it owes is erased; and what others changed is read.
void plugin::beat() {
  auto p = std::make_shared<pulse>();
  p->sent_ns = ctx_.now_ns();
  sdk::store_ops ops;
  {
    const lock held(mutex_);
    if (beats_ || stops_) return;
    beats_ = true;
    ops.zset_put(processes_key, process_, lease_.count()).store_time();
    ops.zset_take(processes_key, -gone.count()).front().store_time().limit(page);
    std::uint32_t group = 0;
    for (const auto& [ticket, w] : registry_.running())
      if (w.is_registered && !w.has_lapsed) {
        renew_ops(ops, ++group, w.key, w.member, lease_);
        p->renewals.push_back({ticket, w.member});
      }
    p->debts = registry_.take_debts();
    for (const auto& d : p->debts) ops.zset_erase(d.key, d.member);
    for (const auto& [name, epoch] : confirmed_) {
      const scope of = scope::named(name);
      const std::uint64_t parked =
          registry_.parked([&](auto key, auto topic) { return of.covers(key, topic); });
      ops.hash_set(confirm_key(name), process_, survey::confirmation(epoch, parked)).ttl(gone);
      ++p->confirmations;
    }
    for (const auto& [name, k] : book_.all()) {
      read_ops(ops, name);
      p->scopes.push_back(name);
    }
    ops.scan(flag_prefix, cursor_, page);
  }
  store_.execute(std::move(ops), [this, p](const sdk::store_answer& a) { heard(*p, a); });
}

void plugin::heard(const pulse& p, const sdk::store_answer& a) {
  const bool is_there = a.status() == POSTBUS_OK && a[0];
  bool was_away = false, was_unwell = false;
  std::size_t at = 2;
  {
    const lock held(mutex_);
    beats_ = false;
    if (is_there) {
      for (const auto& r : p.renewals) {
        if (a[at] && a[at + 1]) registry_.renewed(r.ticket, r.member, p.sent_ns + lease_.count());
        else if (a[at].status == POSTBUS_E_CONFLICT) registry_.lapsed(r.ticket, r.member);
        at += 2;
      }
      at += p.debts.size() + p.confirmations;
      if (ctx_.now_ns() - last_contact_ns_ >= self_fence_.count()) is_synchronised_ = false;
      last_contact_ns_ = p.sent_ns;
      was_unwell = std::exchange(is_out_of_contact_, false);
      was_away = was_unwell || !is_synchronised_;
    } else {
      for (const auto& d : p.debts) registry_.owe(d.key, d.member);
    }
  }
  if (!is_there) {
    lost_contact(a.status() == POSTBUS_OK ? "the store takes no heartbeat" : a.message());
    nanoseconds delay;
    {
      const lock held(mutex_);
      delay = std::exchange(retry_, std::min(2 * retry_, renew_));
    }
    return beat_in(delay);
  }
  beat_in(renew_);
  for (const std::string& name : p.scopes) {
    reconcile(name, record::read(a[at], a[at + 1]));
    at += 2;
  }
  {
    const lock held(mutex_);
    cursor_ = a[at].value(0);
    retry_ = first_retry;
  }
  if (was_unwell) ctx_.healthy();
  if (was_away) {
    synchronise({});
  } else {
    read(names_in(a[at]), [](bool) {});
  }
  for (const std::string& name : p.scopes) {
    bool is_due;
    {
      const lock held(mutex_);
      const known* const k = book_.find(name);
      is_due = k != nullptr && k->phase != phase::paused;
    }
    if (is_due) look(name);
  }
  // What was let by before and has not started must not start once we are out of reach for too long.
  ctx_.timer(self_fence_, [this, since = p.sent_ns] {
    {
      const lock held(mutex_);
      if (last_contact_ns_ != since) return;
    }
    flow_.recall();
  });
}

// Reads every pause that there is; only then does anything start.
void plugin::synchronise(const std::string& cursor) {
  sdk::store_ops ops;
  ops.scan(flag_prefix, cursor, page);
  store_.execute(std::move(ops), [this](const sdk::store_answer& a) {
    if (!a.ok()) return lost_contact(a.message());
    read(names_in(a[0]), [this, next = std::string(a[0].value(0))](bool ok) {
      if (!ok) return;
      if (!next.empty()) return synchronise(next);
      sdk::completion<> started;
      {
        const lock held(mutex_);
        is_synchronised_ = true;
        started = std::move(started_);
      }
      if (started) started.ok();
      release();
    });
  });
}

void plugin::read(std::vector<std::string> names, std::function<void(bool ok)> then) {
  if (names.empty()) return then(true);
  sdk::store_ops ops;
  for (const std::string& name : names) read_ops(ops, name);
  store_.execute(std::move(ops),
                 [this, names = std::move(names), then = std::move(then)](const sdk::store_answer& a) {
                   if (a.status() != POSTBUS_OK) return lost_contact(a.message()), then(false);
                   for (std::size_t n = 0; n < names.size(); ++n)
                     reconcile(names[n], record::read(a[2 * n], a[2 * n + 1]));
                   then(true);
                 });
}

void plugin::beat_in(nanoseconds delay) {
  const lock held(mutex_);
  if (stops_) return;
  ctx_.cancel(beat_timer_);
  beat_timer_ = ctx_.timer(delay, [this] { beat(); });
}

// Nothing starts until a heartbeat is answered: it could not be registered.
void plugin::lost_contact(std::string_view why) {
  sdk::completion<> started;
  {
    const lock held(mutex_);
    started = std::move(started_);
    if (std::exchange(is_out_of_contact_, true) && !started) return;
  }
  ctx_.unwell(POSTBUS_DEGRADED, "the store is out of reach: " + std::string(why),
              "nothing that the brake is for starts until it is back");
  if (started) started.ok();  // the bus starts; what it would brake waits
  beat_in(first_retry);
}

void plugin::release() {
  std::vector<postbus_verdict> verdicts;
  {
    const lock held(mutex_);
    const bool fenced = is_fenced(ctx_.now_ns());
    for (const std::uint64_t ticket :
         registry_.release([&](auto key, auto topic) { return !fenced && !book_.is_blocked(key, topic); }))
      verdicts.push_back({ticket, POSTBUS_HOLD, 0, nullptr});  // asked again when its turn comes
  }
  if (!verdicts.empty()) flow_.resume(verdicts);
}

}  // namespace postbus::brake_plugin
