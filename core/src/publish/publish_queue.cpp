#include "publish_queue.hpp"

#include "engine/completion.hpp"
#include "engine/waiter.hpp"
#include "receipt_access.hpp"

#include <postbus/sdk/hash.hpp>

namespace postbus::detail {
namespace {

// How long a transport that is away is left alone before something is tried on it: drawn from half of that to one and a half.
constexpr std::int64_t first_try_ns = 50'000'000, last_try_ns = 1'000'000'000;

}  // namespace

std::unique_ptr<async_publish> engine::prepare(std::string_view topic, bytes_view data,
                                               const publish_options& options) {
  auto p = std::make_unique<async_publish>(shared_from_this());
  const publish_request r{topic, 0, data, &options};
  if (!check(r, *transports[routes.route(topic)], p->ec)) return p;
  std::vector<postbus_pair> pairs(options.headers.size());
  lent_event event;
  compose(threads.mine(), event, r, pairs.data());
  p->event = event.keep();
  p->deadline_ns = rt->now_ns() + options.deadline.count();
  p->delay_ns = options.delay.value_or(std::chrono::nanoseconds(0)).count();
  return p;
}

void engine::start(std::unique_ptr<async_publish> p) {
  engine& self = *p->owner;
  self.publishing.fetch_add(1);
  if (p->ec) return async_publish::complete(std::move(p), p->ec);
  thread_record& thread = self.threads.mine();
  {
    const passage inside(thread);
    const std::string_view topic = sdk::view(p->event->topic);
    error_code ec;
    topic_entry* entry = self.admit(thread, topic, sdk::hash_bytes(topic), ec, false);
    if (entry == nullptr) return async_publish::complete(std::move(p), ec);
    p->to = entry->transport;
    if (entry->publish_mask != 0) {
      traveller t;
      t.event = p->event;
      t.entry = entry;
      t.marks.ticket = self.features.next_ticket(thread);
      t.cause = p->cause;
      self.features.ask(thread, POSTBUS_AT_PUBLISH, {&t, 1});
      take_over(*p, t);
      if (t.verdict != POSTBUS_PASS) return conclude(std::move(p), t.verdict, t.ec);
    }
  }
  hand_over(std::move(p));
}

void engine::hand_over(std::unique_ptr<async_publish> p) {
  transport_slot& to = *p->to;
  if (delayed_events::keeps(to, p->delay_ns)) {
    engine& self = *p->owner;
    const error_code ec = self.delayed.add(*p->event, to, p->delay_ns);
    return async_publish::complete(std::move(p), ec);
  }
  if (p->delay_ns > 0) p->out.not_before_ns = p->owner->rt->wall_ns() + p->delay_ns;
  if ((to.needs & POSTBUS_NEED_WIRE) != 0) {
    encode(to.format, *p->event, p->wire);
    p->slice = to.format.codec == codec::raw ? p->event->data : sdk::bytes(p->wire);
    p->out.wire = &p->slice;
    p->out.wire_count = 1;
  }
  p->out.event = p->event;
  to.waiting.start(std::move(p));
}

void async_publish::complete(std::unique_ptr<async_publish> self, error_code ec) {
  const auto owner = self->owner;
  if (!ec && self->event != nullptr)
    receipt_access::set_id(self->value, *self->event, owner->threads.mine(), owner->rt->wall_ns());
  if (!ec && !delayed_events::keeps(*self->to, self->delay_ns))
    owner->published.fetch_add(1, std::memory_order_relaxed);
  else owner->count_refused(ec);
  if (self->event != nullptr) owner->features.tell_published(*self->event, self->marks, from_error_code(ec));
  if (self->direct) {
    if (ec && !self->detail.empty()) owner->threads.mine().detail = self->detail;
    self->direct(ec, std::move(self->value));
  } else if (self->handler) {
    post_completion(*owner, std::move(self->handler), ec, std::move(self->value));
  }
  self.reset();
  owner->publishing.fetch_sub(1);
  owner->something_ended();
}

void publish_queue::start(std::unique_ptr<async_publish> p) {
  std::unique_lock lock(mutex_);
  p->order = ++started_;
  if (waiting_.empty() && !pumping_ && !full_ && !away_ && has_room()) {
    ++in_flight_;
    bytes_ += p->event->data.len;
    lock.unlock();
    return send(std::move(p));
  }
  if (waiting_.size() < events_max && waiting_bytes_ < bytes_max && p->deadline_ns > owner_.rt->now_ns())
    return put(std::move(p));
  const auto why = away_ ? error::unavailable : error::full;
  lock.unlock();
  async_publish::complete(std::move(p), make_error_code(why));
}

void publish_queue::send(std::unique_ptr<async_publish> p) {
  const passage inside(owner_.threads.mine());
  async_publish* raw = p.release();
  to_.table->publish(to_.self, &raw->out, 1, {&answered, raw});
}

void publish_queue::answered(void* ctx, std::int32_t status, const void* result, const postbus_error* e) {
  std::unique_ptr<async_publish> p(static_cast<async_publish*>(ctx));
  const auto alive = p->owner;
  publish_queue& self = p->to->waiting;
  if (result != nullptr && status == POSTBUS_OK) {
    const auto& receipt = *static_cast<const postbus_receipt*>(result);
    status = receipt.status;
    if (receipt.position.len != 0) receipt_access::set_position(p->value, sdk::view(receipt.position));
  }
  if (e != nullptr) p->detail = e->message;
  std::string ask;
  {
    const std::lock_guard lock(self.mutex_);
    --self.in_flight_;
    self.bytes_ -= p->event->data.len;
    const bool may_wait = p->deadline_ns > alive->rt->now_ns();
    if (status == POSTBUS_E_UNAVAILABLE && self.to_.buffers) {
      if (!std::exchange(self.away_, true)) self.try_after_ns_ = first_try_ns;
      if (may_wait) self.put(std::move(p));
      if (self.in_flight_ == 0) self.try_later();
    } else if (self.away_) {
      self.away_ = false;
    }
    if (status == POSTBUS_E_FULL && POSTBUS_CAN(self.to_.table, room) && may_wait) {
      if (!std::exchange(self.full_, true)) ask = sdk::view(p->event->topic);
      self.put(std::move(p));
    }
  }
  if (p != nullptr) async_publish::complete(std::move(p), to_error_code(status));
  if (!ask.empty()) self.ask_for_room(ask);
  else self.pump();
}

void publish_queue::put(std::unique_ptr<async_publish> p) {
  waiting_bytes_ += p->event->data.len;
  const auto later =
      std::find_if(waiting_.rbegin(), waiting_.rend(), [&](const auto& w) { return w->order < p->order; });
  waiting_.insert(later.base(), std::move(p));
  arm();
}

void publish_queue::try_later() {
  if (waiting_.empty()) {  // whoever publishes next sees
    away_ = false;
    return;
  }
  const std::int64_t after =
      try_after_ns_ / 2 +
      static_cast<std::int64_t>(owner_.rt->random() % static_cast<std::uint64_t>(try_after_ns_));
  try_after_ns_ = std::min(try_after_ns_ * 2, last_try_ns);
  owner_.rt->timer(after, {[](void* ctx, std::int32_t status, const void*, const postbus_error*) {
                             if (status == POSTBUS_OK) static_cast<publish_queue*>(ctx)->try_now();
                           },
                           this});
}

void publish_queue::try_now() {
  if (pump(1) > 0) return;
  const std::lock_guard lock(mutex_);
  if (away_) try_later();
}

void publish_queue::ask_for_room(std::string_view topic) {
  struct asked {
    std::shared_ptr<engine> alive;
    publish_queue* queue;
  };
  const passage inside(owner_.threads.mine());
  to_.table->room(to_.self, sdk::str(topic),
                  {[](void* ctx, std::int32_t, const void*, const postbus_error*) {
                     const std::unique_ptr<asked> a(static_cast<asked*>(ctx));
                     {
                       const std::lock_guard lock(a->queue->mutex_);
                       a->queue->full_ = false;
                     }
                     a->queue->pump();
                   },
                   new asked{owner_.shared_from_this(), this}});
}

std::size_t publish_queue::pump(std::size_t anyway) {
  std::unique_lock lock(mutex_);
  if (pumping_) return 0;
  pumping_ = true;
  std::size_t sent = 0;
  for (; !waiting_.empty() && !full_ && has_room() && (!away_ || sent < anyway); ++sent) {
    std::unique_ptr<async_publish> p = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_bytes_ -= p->event->data.len;
    ++in_flight_;
    bytes_ += p->event->data.len;
    lock.unlock();
    send(std::move(p));
    lock.lock();
  }
  pumping_ = false;
  return sent;
}

void publish_queue::arm() {
  std::int64_t first = INT64_MAX;
  for (const auto& p : waiting_) first = std::min(first, p->deadline_ns);
  if (first >= armed_ns_) return;
  armed_ns_ = first;
  owner_.rt->timer(std::max<std::int64_t>(0, first - owner_.rt->now_ns()),
                   {[](void* ctx, std::int32_t, const void*, const postbus_error*) {
                      static_cast<publish_queue*>(ctx)->expire();
                    },
                    this});
}

void publish_queue::expire() {
  std::vector<std::unique_ptr<async_publish>> late;
  error::errc why = error::full;
  {
    const std::lock_guard lock(mutex_);
    if (away_) why = error::unavailable;
    armed_ns_ = INT64_MAX;
    const std::int64_t now = owner_.rt->now_ns();
    std::erase_if(waiting_, [&](std::unique_ptr<async_publish>& p) {
      if (p->deadline_ns > now) return false;
      waiting_bytes_ -= p->event->data.len;
      late.push_back(std::move(p));
      return true;
    });
    arm();
  }
  for (auto& p : late) async_publish::complete(std::move(p), make_error_code(why));
}

// ---- for those who wait on the spot, and for plugins

// What the late answer of a synchronous publish is written to; the last of who waits and who answers lets go of it.
struct late_answer {
  waiter done;
  error_code ec;
  receipt value;
  std::string detail;
};

std::shared_ptr<late_answer> engine::start_late(event_record& event, transport_slot& to,
                                                std::int64_t deadline_ns, std::int64_t delay_ns,
                                                passage_marks marks) {
  auto p = std::make_unique<async_publish>(shared_from_this());
  p->event = event.keep();
  p->to = &to;
  p->marks = std::move(marks);
  p->deadline_ns = deadline_ns;
  p->delay_ns = delay_ns;
  const auto answer = answer_of(*p);
  publishing.fetch_add(1);
  hand_over(std::move(p));
  return answer;
}

std::shared_ptr<late_answer> engine::start_held(traveller& t, std::int64_t deadline_ns,
                                                std::int64_t delay_ns) {
  auto p = std::make_unique<async_publish>(shared_from_this());
  p->event = event_record::of(t.event).keep();
  p->deadline_ns = deadline_ns;
  p->delay_ns = delay_ns;
  p->cause = t.cause;
  p->to = t.entry->transport;
  p->marks = std::move(t.marks);
  p->at = t.at;
  const auto answer = answer_of(*p);
  publishing.fetch_add(1);
  hold(std::move(p));
  return answer;
}

std::shared_ptr<late_answer> engine::answer_of(async_publish& p) {
  const auto answer = std::make_shared<late_answer>();
  p.direct = [answer, raw = &p](error_code ec, receipt r) {
    answer->ec = ec;
    answer->value = std::move(r);
    answer->detail = raw->detail;
    sdk::answer(answer->done.done(), POSTBUS_OK);
  };
  return answer;
}

void engine::take_late(late_answer& answer, std::int64_t deadline_ns, error_code& ec, receipt& out) {
  // A little longer than the publish may wait for room, so that "no room" is told from "no answer".
  if (!answer.done.wait(*rt, deadline_ns + 100'000'000)) {
    count_refused(ec = make_error_code(error::outcome_unknown));
    return;
  }
  threads.mine().detail = std::move(answer.detail);
  ec = answer.ec;
  out = std::move(answer.value);
}

void engine::publish_for_plugin(const postbus_event* const* fields, std::size_t n, postbus_done done) {
  struct gathered {
    std::vector<postbus_receipt> receipts;
    std::atomic<std::size_t> open;
    postbus_done done;
  };
  auto all = std::make_shared<gathered>();
  all->receipts.resize(n);
  all->open = n;
  all->done = done;
  if (n == 0) return sdk::answer(done, POSTBUS_OK);
  for (std::size_t i = 0; i < n; ++i) {
    publish_options options;
    options.id = sdk::view(fields[i]->id);
    options.key = sdk::view(fields[i]->key);
    options.content_type = sdk::view(fields[i]->content_type);
    std::vector<header> headers;
    for (std::size_t h = 0; h < fields[i]->header_count; ++h)
      headers.push_back({sdk::view(fields[i]->headers[h].name), sdk::view(fields[i]->headers[h].value)});
    options.headers = headers;
    if (fields[i]->expires_ns != 0)
      options.ttl =
          std::chrono::nanoseconds(std::max<std::int64_t>(1, fields[i]->expires_ns - rt->wall_ns()));
    auto p = prepare(sdk::view(fields[i]->topic), sdk::view(fields[i]->data), options);
    p->direct = [all, i](error_code ec, receipt) {
      all->receipts[i].status = from_error_code(ec);
      if (all->open.fetch_sub(1) == 1) sdk::answer(all->done, POSTBUS_OK, all->receipts.data());
    };
    start(std::move(p));
  }
}

}  // namespace postbus::detail
