#include "exchange.hpp"

#include <postbus/sdk/topic.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace postbus::memory {
namespace {

constexpr std::size_t routes_max = 65'536;

std::uint64_t pack(sdk::topic_stamp_key key) noexcept {
  return std::uint64_t{key.text} | std::uint64_t{key.two_segments} << 16 |
         std::uint64_t{key.first_segment} << 32;
}
sdk::topic_stamp_key unpack(std::uint64_t key) noexcept {
  return {static_cast<std::uint16_t>(key), static_cast<std::uint16_t>(key >> 16),
          static_cast<std::uint16_t>(key >> 32)};
}

}  // namespace

std::shared_ptr<exchange> exchange::find(std::string_view name, limits most, limits remembered) {
  if (name.empty()) return std::make_shared<exchange>(most, remembered);
  static std::mutex mutex;
  static std::map<std::string, std::weak_ptr<exchange>, std::less<>> named;
  const std::lock_guard lock(mutex);
  auto& place = named[std::string(name)];
  auto found = place.lock();
  if (found == nullptr) place = found = std::make_shared<exchange>(most, remembered);
  return found;
}

exchange::~exchange() {
  for (route& r : all_routes_) delete r.to.load(std::memory_order_relaxed);
}

void exchange::enter(sdk::context& ctx) {
  const std::lock_guard lock(mutex_);
  buses_.push_back(&ctx);
}

void exchange::leave(sdk::context& ctx) noexcept {
  std::vector<std::pair<const sdk::context*, sdk::completion<>>> mine;
  {
    const std::lock_guard lock(room_mutex_);
    for (auto& w : waiting_for_room_)
      if (w.first == &ctx) mine.push_back(std::move(w));
    std::erase_if(waiting_for_room_, [&](const auto& w) { return w.first == &ctx; });
  }
  const std::lock_guard lock(mutex_);
  std::erase(buses_, &ctx);
  if (!buses_.empty()) return;
  for (auto& [name, group] : groups_) group->q->clear(ctx);
  if (past_ != nullptr) past_->clear(ctx);
}

// ---- publish

inline std::uint64_t exchange::validity(const route& r) const noexcept {
  return (r.uses.load(std::memory_order_acquire) << 40) +
         index_.stamp(unpack(r.key.load(std::memory_order_acquire)));
}

inline const exchange::targets& exchange::find_targets(const postbus_out& out) {
  if (out.slot != nullptr && out.slot[0] != 0) {
    const route& r = *reinterpret_cast<const route*>(out.slot[0]);
    if (validity(r) == out.slot[1]) [[likely]]
      return *r.to.load(std::memory_order_acquire);
  }
  return build_route(out);
}

const exchange::targets& exchange::build_route(const postbus_out& out) {
  const std::string topic(sdk::view(out.event->topic));
  const targets* replaced = nullptr;
  const targets* current = nullptr;
  {
    const std::lock_guard lock(mutex_);
    route*& r = routes_[topic];
    if (r == nullptr) {
      if (all_routes_.size() < routes_max) {
        r = &all_routes_.emplace_back();
      } else {
        route& old = all_routes_[recycled_++ % routes_max];
        routes_.erase(old.topic);
        r = &old;
      }
      r->topic = topic;
      r->uses.fetch_add(1, std::memory_order_release);
      r->key.store(pack(index::key(topic)), std::memory_order_release);
      r->built_for = 0;
    }
    const std::uint64_t now = validity(*r);
    if (r->built_for != now) {
      auto fresh = std::make_unique<targets>();
      index_.match(topic, [&](queue* q) { fresh->queues.push_back(q); });
      for (const queue* q : fresh->queues)
        if (const member* m = q->direct()) fresh->direct.push_back(m->to);
      if (fresh->direct.size() != fresh->queues.size()) fresh->direct.clear();
      replaced = r->to.exchange(fresh.release(), std::memory_order_acq_rel);
      r->built_for = now;
    }
    current = r->to.load(std::memory_order_relaxed);
    if (out.slot != nullptr) {
      out.slot[0] = reinterpret_cast<std::uintptr_t>(r);
      out.slot[1] = now;
    }
  }
  if (replaced != nullptr) after_grace([replaced] { delete replaced; });
  return *current;
}

void exchange::publish(std::span<const postbus_out> events, sdk::publish_completion&& done,
                       sdk::context& ctx) {
  if (past_ != nullptr) [[unlikely]]
    return publish_and_remember(events, std::move(done), ctx);
  std::vector<postbus_receipt> receipts;  // only when something is refused
  for (std::size_t i = 0; i < events.size(); ++i) {
    const targets& found = find_targets(events[i]);
    const std::vector<queue*>& to = found.queues;
    if (!found.direct.empty()) {
      postbus_delivery delivery{};
      delivery.event = events[i].event;
      for (const sdk::sink& s : found.direct) s.deliver(delivery);
      continue;
    }
    if (std::any_of(to.begin(), to.end(), [](const queue* q) { return q->is_full(); })) {
      receipts.resize(events.size());
      for (std::size_t k = i; k < events.size(); ++k) receipts[k].status = POSTBUS_E_FULL;
      break;
    }
    if (to.size() == 1 && to[0]->direct() == nullptr) {
      // Those behind it that go to the same queue go there together.
      constexpr std::size_t at_once = 64;
      std::array<const postbus_out*, at_once> run;
      std::size_t n = 0;
      run[n++] = &events[i];
      while (n < at_once && i + 1 < events.size() && &find_targets(events[i + 1]) == &found)
        run[n++] = &events[++i];
      to[0]->push(std::span(run.data(), n), ctx);
      continue;
    }
    postbus_delivery delivery{};
    delivery.event = events[i].event;
    const postbus_out* one = &events[i];
    for (queue* q : to) {
      if (const member* m = q->direct()) [[likely]]
        m->to.deliver(delivery);
      else q->push(std::span(&one, 1), ctx);
    }
  }
  if (receipts.empty()) return done.ok();
  done.ok(std::span<const postbus_receipt>(receipts));
}

void exchange::publish_and_remember(std::span<const postbus_out> events, sdk::publish_completion&& done,
                                    sdk::context& ctx) {
  std::vector<postbus_receipt> receipts(events.size());
  std::vector<std::array<char, 20>> texts(events.size());
  const std::lock_guard in_order(order_);
  for (std::size_t i = 0; i < events.size(); ++i) {
    const targets& found = find_targets(events[i]);
    if (std::any_of(found.queues.begin(), found.queues.end(), [](const queue* q) { return q->is_full(); })) {
      for (std::size_t k = i; k < events.size(); ++k) receipts[k].status = POSTBUS_E_FULL;
      break;
    }
    const std::uint64_t position = past_->add(*events[i].event, ctx);
    const char* end = std::to_chars(texts[i].begin(), texts[i].end(), position).ptr;
    receipts[i].position = {texts[i].data(), static_cast<std::size_t>(end - texts[i].data())};
    const postbus_out* one = &events[i];
    postbus_delivery delivery{};
    delivery.event = one->event;
    delivery.position = receipts[i].position;
    for (queue* q : found.queues) {
      if (const member* m = q->direct()) m->to.deliver(delivery);
      else q->push(std::span(&one, 1), ctx, position);
    }
  }
  done.ok(std::span<const postbus_receipt>(receipts));
}

// With `mutex_` held, before the queue is in the index.
void exchange::begin_in_the_past(const postbus_sub& request, member& m, place& at, sdk::context& ctx) {
  const history::start start = past_->find(request);
  if (start.missed > 0) {
    postbus_notice gap{};
    gap.kind = POSTBUS_NOTICE_GAP;
    gap.dropped = start.missed;
    gap.reason = sdk::str("forgotten by the history");
    m.to.notice(gap);
  }
  past_->for_each_from(start.first, [&](const postbus_event& event, std::uint64_t position) {
    if (sdk::matches(at.pattern, sdk::view(event.topic))) at.q->remember(event, position, ctx);
  });
}

bool exchange::is_full(std::string_view topic) {
  const std::lock_guard lock(mutex_);
  bool full = false;
  index_.match(topic, [&](const queue* q) { full = full || q->is_full(); });
  return full;
}

void exchange::room(std::string_view topic, sdk::completion<>&& done, const sdk::context& ctx) {
  {
    const std::lock_guard lock(room_mutex_);
    waiting_for_room_.emplace_back(&ctx, std::move(done));
  }
  // Looked at when it waits already: a queue that finds room in between wakes it.
  if (!is_full(topic)) room_again();
}

void exchange::room_again() {
  std::vector<std::pair<const sdk::context*, sdk::completion<>>> waiting;
  {
    const std::lock_guard lock(room_mutex_);
    waiting.swap(waiting_for_room_);
  }
  for (auto& w : waiting) w.second.ok();
}

// ---- subscriptions

member* exchange::subscribe(const postbus_sub& request, const sdk::sink& to, sdk::context& ctx) {
  auto m = std::make_unique<member>();
  m->ctx = &ctx;
  m->to = to;
  m->credit = request.credit;
  m->unlimited = request.credit == POSTBUS_CREDIT_UNLIMITED;
  const std::string pattern(sdk::view(request.pattern)), group(sdk::view(request.group));
  if (request.from != POSTBUS_FROM_NEW && past_ == nullptr)
    throw sdk::failure(POSTBUS_E_UNSUPPORTED, "nothing is remembered to begin with: history_max is 0");
  std::unique_lock in_order(order_, std::defer_lock);
  if (past_ != nullptr) in_order.lock();
  std::unique_lock lock(mutex_);
  std::shared_ptr<place> at;
  if (const auto known = groups_.find({pattern, group}); !group.empty() && known != groups_.end())
    at = known->second;
  m->is_ordered = (request.flags & POSTBUS_SUB_ORDERED) != 0;
  if (at != nullptr && !at->q->takes(*m))
    throw sdk::failure(POSTBUS_E_UNSUPPORTED,
                       "group '" + group + "' of '" + pattern +
                           "' is ordered by a key, and has one member only: there are no partitions");
  const bool is_new = at == nullptr;
  if (!is_new && request.from != POSTBUS_FROM_NEW)
    throw sdk::failure(POSTBUS_E_CONFLICT,
                       "group '" + group + "' of '" + pattern + "' is there already, and has its place");
  if (is_new) {
    at = std::make_shared<place>();
    at->pattern = pattern;
    at->q = std::make_unique<queue>(!group.empty(), most_);
  }
  if (is_new && request.from != POSTBUS_FROM_NEW) begin_in_the_past(request, *m, *at, ctx);
  at->q->join(*m);
  if (is_new) at->handle = index_.insert(pattern, at->q.get());
  if (group.empty()) single_[at->q.get()] = at;
  else groups_[{pattern, group}] = at;
  lock.unlock();
  // There may be something for it, and then there is room again.
  if ((!is_new || past_ != nullptr) && at->q->credit(*m, 0, ctx)) room_again();
  return m.release();
}

void exchange::credit(member& m, std::uint32_t n) {
  if (m.from->credit(m, n, *m.ctx)) room_again();
}

void exchange::settle(std::span<const postbus_settle> items, sdk::context& ctx) {
  for (const postbus_settle& s : items) {
    auto& h = *reinterpret_cast<held*>(s.token);
    if (h.in->settle(h, s, ctx)) room_again();
  }
}

void exchange::quiesce(member& m, sdk::completion<>&& done) {
  {
    const std::lock_guard lock(mutex_);
    m.from->quiesce(m);
    if (const auto single = single_.find(m.from); single != single_.end())
      index_.erase(single->second->handle);
  }
  after_grace([d = std::make_shared<sdk::completion<>>(std::move(done))] { d->ok(); });
}

std::int64_t exchange::unsubscribe(member& m) {
  const std::unique_ptr<member> gone(&m);
  m.from->leave(m, *m.ctx);
  std::shared_ptr<place> single;
  std::int64_t change = 0;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = single_.find(m.from); found != single_.end()) {
      single = std::move(found->second);
      single_.erase(found);
    }
    for (auto& [name, p] : groups_) change += p->q->size_change();
  }
  if (single == nullptr) return change;
  single->q->clear(*m.ctx);
  room_again();  // for who waits for a queue that is gone
  return change + single->q->size_change();
}

std::int64_t exchange::queued_change() {
  const std::lock_guard lock(mutex_);
  std::int64_t change = 0;
  for (auto& [q, p] : single_) change += q->size_change();
  for (auto& [name, p] : groups_) change += p->q->size_change();
  return change;
}

exchange::figures exchange::look() {
  const std::lock_guard lock(mutex_);
  figures f;
  const auto add = [&](const queue& q, const std::string& whose) {
    const queue::load load = q.look();
    f.subscriptions += load.members;
    f.queued_events += load.events;
    f.queued_bytes += load.bytes;
    if (q.is_full()) f.full.push_back(whose);
  };
  for (const auto& [q, at] : single_) add(*q, "'" + at->pattern + "'");
  for (const auto& [name, at] : groups_) add(*at->q, "'" + name.first + "' of group '" + name.second + "'");
  f.groups = groups_.size();
  return f;
}

void exchange::after_grace(std::function<void()> f) {
  // One share for each bus; the last one to let go of it runs f. No lock is held while a bus is asked.
  const std::shared_ptr<void> share(nullptr, [f = std::move(f)](void*) { f(); });
  std::vector<sdk::context*> buses;
  {
    const std::lock_guard lock(mutex_);
    buses = buses_;
  }
  for (sdk::context* bus : buses) bus->after_grace_period([share] {});
}

}  // namespace postbus::memory
