#include "leases.hpp"

#include "engine/engine.hpp"
#include "subscription_state.hpp"

namespace postbus::detail {

// A batch of renewals on its way, with what keeps alive who hears the answer.
struct leases::round {
  std::shared_ptr<subscription_state> whose;
  leases& all;
  std::int64_t sent_ns;
  std::vector<postbus_settle> asked{};

  static void answered(void* ctx, std::int32_t status, const void* result, const postbus_error*) {
    const std::unique_ptr<round> self(static_cast<round*>(ctx));
    if (status != POSTBUS_OK && status != POSTBUS_E_CONFLICT) return;  // asked again before the lease ends
    const auto* each = static_cast<const std::int32_t*>(result);
    std::vector<item*> working;
    {
      const std::lock_guard lock(self->all.mutex_);
      for (std::size_t k = 0; k < self->asked.size(); ++k) {
        const auto found = self->all.all_.find(self->asked[k].token);
        if (found == self->all.all_.end()) continue;
        const std::int32_t one = status == POSTBUS_OK && each != nullptr ? each[k] : status;
        if (one == POSTBUS_OK)
          found->second.until_ns = std::max(found->second.until_ns, self->sent_ns + self->asked[k].value_ns);
        else if (one == POSTBUS_E_CONFLICT) self->all.lose(found->second, working);
      }
    }
    self->all.take_from(working);
  }
};

void leases::begin(item& i) {
  const std::int64_t until = of_.subscription.owner.rt->now_ns() + length_ns_;
  const std::lock_guard lock(mutex_);
  all_[i.token] = {&i, until};
  if (!is_armed_) arm();
}

bool leases::start(const item& i) {
  const std::int64_t now = of_.subscription.owner.rt->now_ns();
  const std::lock_guard lock(mutex_);
  const auto found = all_.find(i.token);
  if (found == all_.end()) return true;
  if (found->second.until_ns <= now) found->second.is_lost = true;  // before a tick could see it
  found->second.is_started = !found->second.is_lost;
  return found->second.is_started;
}

void leases::rest(const item& i) {
  const std::lock_guard lock(mutex_);
  if (const auto found = all_.find(i.token); found != all_.end()) found->second.is_started = false;
}

void leases::hand_over(const item& from, item& to) {
  const std::lock_guard lock(mutex_);
  if (const auto found = all_.find(from.token); found != all_.end()) found->second.holder = &to;
}

bool leases::end(const item& i) {
  const std::lock_guard lock(mutex_);
  const auto found = all_.find(i.token);
  if (found == all_.end()) return true;
  const bool is_ours = !found->second.is_lost;
  all_.erase(found);
  return is_ours;
}

bool leases::extend(const item& i, std::chrono::nanoseconds length) {
  auto r = std::make_unique<round>(
      round{of_.subscription.shared_from_this(), *this, of_.subscription.owner.rt->now_ns()});
  {
    const std::lock_guard lock(mutex_);
    const auto found = all_.find(i.token);
    if (found == all_.end() || found->second.is_lost) return false;
  }
  r->asked.push_back({i.token, POSTBUS_EXTEND, 0, length.count(), nullptr});
  send(std::move(r));
  return true;
}

void leases::stop() {
  std::unique_lock lock(mutex_);
  if (!std::exchange(is_armed_, false)) return;
  const auto timer = timer_;
  lock.unlock();
  of_.subscription.owner.rt->cancel(timer);
}

// With the lock held.
void leases::arm() {
  is_armed_ = true;
  timer_ = of_.subscription.owner.rt->timer(
      length_ns_ / 3, {&tick, new round{of_.subscription.shared_from_this(), *this, 0}});
}

// On the thread of the timers, not on a worker: these may all be busy with handlers, which is when leases are to be renewed.
void leases::tick(void* ctx, std::int32_t status, const void*, const postbus_error*) {
  const std::unique_ptr<round> self(static_cast<round*>(ctx));
  if (status == POSTBUS_OK) self->all.renew();
}

void leases::renew() {
  const std::int64_t now = of_.subscription.owner.rt->now_ns();
  auto r = std::make_unique<round>(round{of_.subscription.shared_from_this(), *this, now});
  std::vector<item*> working;
  {
    const std::lock_guard lock(mutex_);
    if (!is_armed_) return;
    is_armed_ = false;
    for (auto& [token, l] : all_) {
      if (l.is_lost) continue;
      if (l.until_ns <= now) lose(l, working);
      else if (l.until_ns < now + length_ns_)
        r->asked.push_back({token, POSTBUS_EXTEND, 0, length_ns_, nullptr});
    }
    if (!all_.empty()) arm();
  }
  take_from(working);
  if (!r->asked.empty()) send(std::move(r));
}

void leases::send(std::unique_ptr<round> r) {
  const passage inside(of_.subscription.owner.threads.mine());
  const std::vector<postbus_settle>& asked = r->asked;
  const std::size_t n = asked.size();
  const postbus_settle* first = asked.data();
  of_.to.table->settle(of_.to.self, first, n, {&round::answered, r.release()});
}

void leases::lose(lease& l, std::vector<item*>& working) {
  if (std::exchange(l.is_lost, true) || !l.is_started) return;
  l.holder->keep();
  working.push_back(l.holder);
}

// Stop callbacks are the application's: they run on a worker.
void leases::take_from(const std::vector<item*>& working) {
  subscription_state& s = of_.subscription;
  for (item* i : working) {
    struct loss {
      std::shared_ptr<subscription_state> whose;
      item* what;
      ~loss() { what->release(); }
    };
    s.owner.rt->post(
        [](void* ctx) {
          const std::unique_ptr<loss> l(static_cast<loss*>(ctx));
          l->whose->lost(*l->what);
        },
        new loss{s.shared_from_this(), i});
  }
}

}  // namespace postbus::detail
