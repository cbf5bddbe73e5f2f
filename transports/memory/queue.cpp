#include "queue.hpp"

#include "copies.hpp"
#include "position_texts.hpp"

#include <algorithm>
#include <array>

namespace postbus::memory {
namespace {

constexpr std::size_t at_once = copies::most;
constexpr std::size_t held_at_once = 16;  // made together

bool came_later(const held* a, const held* b) noexcept { return a->number > b->number; }

}  // namespace

bool queue::takes(const member& m) const {
  const lock locked(mutex_);
  return members_.empty() || !(m.is_ordered || members_.front()->is_ordered);
}

void queue::join(member& m) {
  const lock locked(mutex_);
  m.from = this;
  members_.push_back(&m);
  if (!is_group_ && m.unlimited) direct_.store(&m, std::memory_order_release);
}

void queue::quiesce(member& m) {
  const lock locked(mutex_);
  m.open = false;
  std::erase(members_, &m);
  direct_.store(nullptr, std::memory_order_release);
}

void queue::leave(member& m, sdk::context& ctx) {
  lock locked(mutex_);
  for (held* h = with_members_; h != nullptr;) {
    held* next = h->after;
    if (h->with == &m) give_back(*h);
    h = next;
  }
  hand_out(locked, ctx);
}

void queue::remember(const postbus_event& event, std::uint64_t position, sdk::context& ctx) {
  const lock locked(mutex_);
  if (is_group_) waiting_.push_back(&take_up(keep(event, ctx), position));
  else kept_.push_back({keep(event, ctx), position});
  bytes_ += event.data.len;
  if (size() >= most_.events || bytes_ >= most_.bytes) full_.store(true, std::memory_order_relaxed);
}

void queue::push(std::span<const postbus_out* const> events, sdk::context& ctx, std::uint64_t position) {
  // Where events wait already these will too, and in a group all do: they are copied before the lock, not inside it.
  copies copied(ctx);
  if (is_group_ || backlog_.load(std::memory_order_relaxed))
    for (const postbus_out* out : events) copied.add(*out->event);
  const auto take = [&](std::size_t i) {
    return copied.empty() ? keep(*events[i]->event, ctx) : copied.take();
  };
  const auto position_of = [&](std::size_t i) { return position == 0 ? 0 : position + i; };
  position_texts texts;

  lock locked(mutex_);
  std::size_t next = 0;
  // The common case, without a detour through the queue: a subscription that keeps up.
  if (!is_group_ && !handing_out_ && kept_.empty() && members_.size() == 1 && members_[0]->credit > 0) {
    std::array<postbus_delivery, at_once> deliveries;
    for (; next < std::min<std::size_t>(events.size(), members_[0]->credit); ++next) {
      deliveries[next] = {};
      deliveries[next].event = copied.empty() ? events[next]->event : copied.take();
      deliveries[next].position = texts(position_of(next));
    }
    deliver(locked, *members_[0], std::span(deliveries.data(), next), copied.empty() ? nullptr : &ctx);
  }
  for (; next < events.size(); ++next) {
    if (is_group_) waiting_.push_back(&take_up(take(next), position_of(next)));
    else kept_.push_back({take(next), position_of(next)});
    bytes_ += events[next]->event->data.len;
  }
  hand_out(locked, ctx);
  if (size() >= most_.events || bytes_ >= most_.bytes) full_.store(true, std::memory_order_relaxed);
}

bool queue::credit(member& m, std::uint32_t n, sdk::context& ctx) {
  lock locked(mutex_);
  m.credit += n;
  hand_out(locked, ctx);
  return look_for_room();
}

bool queue::settle(held& h, const postbus_settle& how, sdk::context& ctx) {
  lock locked(mutex_);
  switch (how.what) {
    case POSTBUS_FAILED:
      ++h.attempt;
      return false;
    case POSTBUS_EXTEND:
      return false;  // there is no lease
    case POSTBUS_RELEASE:
      // Its handlers run inside deliver(): it gives back because it is on its way out, and would do so again at once.
      if (h.with->unlimited) h.with->open = false;
      give_back(h);
      break;
    default:
      unlink(h);
      put_away(h, ctx);
      return false;
  }
  hand_out(locked, ctx);
  return look_for_room();
}

bool queue::clear(sdk::context& ctx) {
  const lock locked(mutex_);
  while (!waiting_.empty()) put_away(*waiting_.pop_front(), ctx);
  for (held* h : std::exchange(given_back_, {})) put_away(*h, ctx);
  while (!kept_.empty()) ctx.release(kept_.pop_front().event);
  while (with_members_ != nullptr) {
    held& h = *with_members_;
    unlink(h);
    put_away(h, ctx);
  }
  bytes_ = 0;
  return look_for_room();
}

queue::load queue::look() const noexcept {
  const lock locked(mutex_);
  return {members_.size(), size(), bytes_};
}

std::int64_t queue::size_change() noexcept {
  const lock locked(mutex_);
  const auto now = static_cast<std::int64_t>(size());
  return now - std::exchange(reported_, now);
}

// ---- with the lock held

member* queue::next_with_credit() noexcept {
  for (std::size_t i = 0; i < members_.size(); ++i) {
    turn_ = (turn_ + 1) % members_.size();
    if (members_[turn_]->open && members_[turn_]->credit > 0) return members_[turn_];
  }
  return nullptr;
}

std::size_t queue::deliver(lock& locked, member& m, std::span<const postbus_delivery> deliveries,
                           sdk::context* releases) {
  const sdk::sink to = m.to;  // which stays until a grace period after quiesce()
  const bool bounded = !m.unlimited;
  if (bounded) {
    m.credit -= static_cast<std::uint32_t>(deliveries.size());
    handing_out_ = true;
  }
  locked.unlock();
  std::size_t bytes = 0;
  for (const postbus_delivery& d : deliveries) bytes += d.event->data.len;
  to.deliver(deliveries);
  if (releases != nullptr)
    for (const postbus_delivery& d : deliveries) releases->release(d.event);
  locked.lock();
  if (bounded) handing_out_ = false;
  return bytes;
}

void queue::hand_out(lock& locked, sdk::context& ctx) {
  std::array<postbus_delivery, at_once> deliveries;
  while (size() > 0 && !handing_out_) {
    member* m = next_with_credit();
    if (m == nullptr) break;
    position_texts texts;
    const std::size_t n = take_for(*m, deliveries, texts);
    const std::size_t bytes =
        deliver(locked, *m, std::span(deliveries.data(), n), is_group_ ? nullptr : &ctx);
    if (!is_group_) bytes_ -= bytes;
  }
  backlog_.store(size() > 0, std::memory_order_relaxed);
}

template <class Texts>
std::size_t queue::take_for(member& m, std::span<postbus_delivery> deliveries, Texts& texts) {
  // Several members share what there is.
  const std::size_t share = members_.size() == 1 ? size() : size() / (2 * members_.size()) + 1;
  const std::size_t n = std::min({share, deliveries.size(), m.unlimited ? at_once : std::size_t{m.credit}});
  for (postbus_delivery& d : deliveries.first(n)) {
    d = {};
    if (is_group_) {
      held& h = take_first();
      h.with = &m;
      h.before = nullptr;
      h.after = with_members_;
      if (with_members_ != nullptr) with_members_->before = &h;
      with_members_ = &h;
      d.event = h.event;
      d.token = reinterpret_cast<std::uintptr_t>(&h);
      d.attempt = h.attempt;
      d.position = texts(h.position);
      bytes_ -= h.event->data.len;
    } else {
      const queued q = kept_.pop_front();
      d.event = q.event;
      d.position = texts(q.position);
    }
  }
  return n;
}

held& queue::take_up(const postbus_event* kept, std::uint64_t position) {
  if (spare_ == nullptr) {
    const auto& fresh = all_.emplace_back(std::make_unique<held[]>(held_at_once));
    for (std::size_t i = 0; i < held_at_once; ++i) {
      fresh[i].in = this;
      fresh[i].after = std::exchange(spare_, &fresh[i]);
    }
  }
  held& h = *std::exchange(spare_, spare_->after);
  h.event = kept;
  h.position = position;
  h.number = ++taken_up_;
  h.attempt = 0;
  h.after = nullptr;
  return h;
}

void queue::put_away(held& h, sdk::context& ctx) noexcept {
  ctx.release(h.event);
  h.event = nullptr;
  h.after = spare_;
  spare_ = &h;
}

void queue::unlink(held& h) noexcept {
  (h.before != nullptr ? h.before->after : with_members_) = h.after;
  if (h.after != nullptr) h.after->before = h.before;
  h.before = h.after = nullptr;
  h.with = nullptr;
}

void queue::give_back(held& h) {
  unlink(h);
  bytes_ += h.event->data.len;
  given_back_.push_back(&h);
  std::push_heap(given_back_.begin(), given_back_.end(), came_later);
}

held& queue::take_first() {
  if (given_back_.empty() || (!waiting_.empty() && came_later(given_back_.front(), waiting_.front())))
    return *waiting_.pop_front();
  std::pop_heap(given_back_.begin(), given_back_.end(), came_later);
  held& first = *given_back_.back();
  given_back_.pop_back();
  return first;
}

bool queue::look_for_room() noexcept {
  if (!full_.load(std::memory_order_relaxed) || size() > most_.events - (most_.events + 3) / 4 ||
      bytes_ > most_.bytes - (most_.bytes + 3) / 4)
    return false;
  full_.store(false, std::memory_order_relaxed);
  return true;
}

}  // namespace postbus::memory
