// handing_out: what waits goes to who has credit for it, spoilt where a promise is broken on the way.
#pragma once

#include "breaks.hpp"
#include "queue.hpp"

#include <algorithm>
#include <map>

namespace mutant {

// With the lock of the transport held.
class handing_out {
 protected:
  explicit handing_out(sdk::context& ctx) : ctx_(ctx), broken_(broken_promise::named(ctx.text("breaks"))) {}

  bool is_broken(breaks what) const noexcept { return broken_.what == what; }
  // Whether it is time to break this promise. `again`: for an event that was delivered, or has failed, before.
  bool breaks_now(breaks what, bool again = false) {
    return is_broken(what) && (again || !broken_.when.only_again) && ++count_ % broken_.when.period == 0;
  }

  void hand_out(queue& q) {
    while (!q.waiting.empty()) {
      member* m = next_with_credit(q);
      if (m == nullptr) return;
      entry e = std::move(q.waiting.front());
      q.waiting.pop_front();
      if (m->credit > 0) --m->credit;
      if (sdk::kept_event other = spoilt(e)) e.event = std::move(other);
      if (e.again && breaks_now(breaks::once, true)) deliver(q, *m, copy(e));
      if (q.is_group && q.members.size() > 1 && breaks_now(breaks::group, e.again))
        deliver(q, *q.members[q.turn % q.members.size()], copy(e));
      deliver(q, *m, std::move(e));
    }
  }

  void settle(const postbus_settle& s) {
    const auto h = held_.find(s.token);
    if (h == held_.end() || s.what == POSTBUS_EXTEND) return;
    entry& e = h->second.what;
    queue& q = *h->second.from;
    const bool again = e.attempt > 0;
    if (s.what == POSTBUS_FAILED) {
      if (breaks_now(breaks::hasty, again)) q.waiting.push_back(copy(e));
      if (!breaks_now(breaks::count, again)) ++e.attempt;
      return hand_out(q);
    }
    if (s.what == POSTBUS_RELEASE && !breaks_now(breaks::release, again)) {
      if (breaks_now(breaks::count_of_drains, again)) ++e.attempt;
      q.waiting.push_front(std::move(e));
    } else if (s.what != POSTBUS_RELEASE && !e.forgotten && breaks_now(breaks::forget, again)) {
      e.forgotten = true;  // else this would have no end
      q.waiting.push_back(std::move(e));
    }
    held_.erase(h);
    hand_out(q);
  }

  // What a member that leaves has not settled goes back, from the last one on, so that they stand in their old order.
  void give_back(member& m) {
    for (auto h = held_.end(); h != held_.begin();) {
      --h;
      if (h->second.with != &m) continue;
      entry& e = h->second.what;
      if (!breaks_now(breaks::release, e.attempt > 0)) h->second.from->waiting.push_front(std::move(e));
      h = held_.erase(h);
    }
    hand_out(*m.from);
  }

  void went_by(std::string_view topic) { last_topic_ = topic; }

  sdk::context& ctx_;

 private:
  entry copy(const entry& e) const { return {ctx_.keep(*e.event), e.attempt, e.position, e.again}; }

  // Another event in its place; nothing: it stays as it is.
  sdk::kept_event spoilt(const entry& e) {
    const postbus_event& event = *e.event;
    postbus_event fields = event;
    const std::string_view data = sdk::view(event.data);
    if (data.find('\0') != data.npos && breaks_now(breaks::data, e.again))
      fields.data = sdk::bytes(data.substr(0, data.find('\0')));
    else if (event.header_count > 0 && breaks_now(breaks::headers, e.again))
      ++fields.headers, --fields.header_count;
    else if (!sdk::view(event.key).empty() && breaks_now(breaks::ordering_key, e.again)) fields.key = {};
    else if (event.expires_ns != 0 && breaks_now(breaks::ttl, e.again)) fields.expires_ns = 0;
    else if (!last_topic_.empty() && breaks_now(breaks::topic, e.again)) fields.topic = sdk::str(last_topic_);
    else if (!breaks_now(breaks::id, e.again)) return {};
    ctx_.fill(event);
    fields.id = is_broken(breaks::id) ? sdk::str("another id") : event.id;
    fields.time_ns = event.time_ns;
    return ctx_.make(fields);
  }

  member* next_with_credit(queue& q) {
    const auto next = [&](std::uint32_t least) -> member* {
      for (std::size_t i = 0; i < q.members.size(); ++i) {
        member* m = q.members[q.turn++ % q.members.size()];
        if (m->credit >= least) return m;
      }
      return nullptr;
    };
    if (member* m = next(1)) return m;
    // One beyond its credit, and then no more until it has some again.
    return !q.members.empty() && breaks_now(breaks::credit) ? next(0) : nullptr;
  }

  void deliver(queue& q, member& m, entry e) {
    postbus_delivery delivery{};
    delivery.event = e.event.get();
    delivery.attempt = e.attempt;
    const std::string position = std::to_string(e.position);
    delivery.position = sdk::str(position);
    e.again = true;
    const sdk::sink to = m.to;
    if (q.is_group) {
      delivery.token = ++tokens_;
      const auto& kept = held_.emplace(delivery.token, held{std::move(e), &q, &m}).first->second;
      delivery.event = kept.what.event.get();
      return to.deliver(delivery);
    }
    to.deliver(delivery);
  }

  const broken_promise broken_;
  std::map<std::uint64_t, held> held_;
  std::uint64_t tokens_ = 0, count_ = 0;
  std::string last_topic_;
};

}  // namespace mutant
