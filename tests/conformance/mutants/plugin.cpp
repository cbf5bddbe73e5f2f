// mutant: a transport in one process, as simple as one with groups and acknowledgement can be, that breaks a promise when told to. What
// it breaks stands where it is kept.
#include "answers_twice.hpp"
#include "breaks.hpp"
#include "queue.hpp"

#include <postbus/sdk/plugin.hpp>
#include <postbus/sdk/topic_index.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace mutant {
namespace {

namespace sdk = postbus::sdk;

class transport {
 public:
  using subscription = member;
  static constexpr std::uint32_t can =
      POSTBUS_CAN_CREDIT | POSTBUS_CAN_ACK | POSTBUS_CAN_GROUP | POSTBUS_CAN_PATTERN;

  explicit transport(sdk::context& ctx)
      : ctx_(ctx),
        broken_(named(ctx.text("breaks"))),
        queue_max_(static_cast<std::size_t>(ctx.integer("queue_max"))) {}

  void stop(sdk::completion<>&& done) {
    unanswered_.clear();
    done.ok();
  }

  void publish(std::span<const postbus_out> events, sdk::publish_completion&& done) {
    std::vector<postbus_receipt> receipts(events.size());
    {
      const std::lock_guard lock(mutex_);
      for (std::size_t i = 0; i < events.size(); ++i) {
        if (broken_ == breaks::batch && i > 0) continue;
        receipts[i].status =
            i > 0 && receipts[i - 1].status == POSTBUS_E_FULL ? std::int32_t{POSTBUS_E_FULL} : add(events[i]);
      }
      if (broken_ == breaks::answer) return unanswered_.push_back(std::move(done));
    }
    done.ok(receipts);
  }

  void subscribe(const postbus_sub& request, const sdk::sink& to, sdk::completion<member*>&& done) {
    if (request.credit == POSTBUS_CREDIT_UNLIMITED)
      return done.fail(POSTBUS_E_UNSUPPORTED, "it delivers with its lock held");
    const std::lock_guard lock(mutex_);
    const std::string pattern(sdk::view(request.pattern)), group(sdk::view(request.group));
    auto& known = group.empty() ? single_.emplace_back() : groups_[{pattern, group}];
    if (known == nullptr) {
      known = std::make_unique<queue>();
      known->is_group = !group.empty();
      known->place = index_.insert(taken_by(pattern), known.get());
    }
    auto* m = new member{to, known.get(), request.credit};
    known->members.push_back(m);
    done.ok(m);
    hand_out(*known);
  }

  void credit(member& m, std::uint32_t n) {
    const std::lock_guard lock(mutex_);
    if (broken_ != breaks::credit_back) m.credit += n;
    hand_out(*m.from);
  }

  void settle(std::span<const postbus_settle> items, sdk::settle_completion&& done) {
    {
      const std::lock_guard lock(mutex_);
      for (const postbus_settle& s : items) settle(s);
    }
    done.ok();
  }

  void quiesce(member& m, sdk::completion<>&& done) {
    if (broken_ != breaks::quiet) leave(m);
    done.ok();
  }

  void unsubscribe(member& m, sdk::completion<>&& done) {
    if (broken_ == breaks::quiet) return done.ok();  // it stays, and gets what comes
    {
      const std::lock_guard lock(mutex_);
      // From the last one on, so that they stand in their old order.
      for (auto h = held_.end(); h != held_.begin();) {
        --h;
        if (h->second.with != &m) continue;
        if (broken_ != breaks::release) h->second.from->waiting.push_front(std::move(h->second.what));
        h = held_.erase(h);
      }
      hand_out(*m.from);
    }
    delete &m;
    done.ok();
  }

 private:
  std::string taken_by(const std::string& pattern) const {
    const bool deeper = broken_ == breaks::pattern && pattern.ends_with(":*");
    return deeper ? pattern + "*" : pattern;
  }

  bool each(unsigned n) { return ++count_ % n == 0; }

  // A copy of the event, as it arrives.
  sdk::kept_event arriving(const postbus_event& event) {
    postbus_event fields = event;
    const std::string_view data = sdk::view(event.data);
    if (broken_ == breaks::data && data.find('\0') != data.npos)
      fields.data = sdk::bytes(data.substr(0, data.find('\0')));
    else if (broken_ == breaks::headers && event.header_count > 0) ++fields.headers, --fields.header_count;
    else if (broken_ == breaks::ordering_key) fields.key = {};
    else if (broken_ == breaks::topic && !last_topic_.empty()) fields.topic = sdk::str(last_topic_);
    else return ctx_.keep(event);
    ctx_.fill(event);
    fields.id = event.id;
    fields.time_ns = event.time_ns;
    return ctx_.make(fields);
  }

  std::int32_t add(const postbus_out& out) {
    std::vector<queue*> to;
    index_.match(sdk::view(out.event->topic), [&](queue* q) { to.push_back(q); });
    const bool full = broken_ != breaks::bound && std::any_of(to.begin(), to.end(), [&](const queue* q) {
                        return q->waiting.size() >= queue_max_;
                      });
    if (full) return broken_ == breaks::full ? std::int32_t{POSTBUS_OK} : std::int32_t{POSTBUS_E_FULL};
    if ((broken_ == breaks::delivery && each(10)) || (broken_ == breaks::delivery_rarely && each(1000)))
      return POSTBUS_OK;
    const bool twice =
        (broken_ == breaks::once && each(10)) || (broken_ == breaks::once_rarely && each(1000));
    for (queue* q : to) {
      for (int copies = twice ? 2 : 1; copies > 0; --copies)
        if (!add(*q, *out.event)) return POSTBUS_E_NOMEM;
      hand_out(*q);
    }
    last_topic_ = sdk::view(out.event->topic);
    return POSTBUS_OK;
  }

  bool add(queue& q, const postbus_event& event) {
    sdk::kept_event kept = arriving(event);
    if (!kept) return false;
    q.waiting.push_back({std::move(kept), 0});
    if (broken_ == breaks::order && q.waiting.size() > 1 && !q.is_group)
      std::swap(q.waiting[q.waiting.size() - 1], q.waiting[q.waiting.size() - 2]);
    return true;
  }

  member* next_with_credit(queue& q) {
    const std::uint32_t beyond = broken_ == breaks::credit ? 1 : 0;
    for (std::size_t i = 0; i < q.members.size(); ++i) {
      member* m = q.members[q.turn++ % q.members.size()];
      if (m->credit + beyond > 0 && m->credit != UINT32_MAX) return m;
    }
    return nullptr;
  }

  void hand_out(queue& q) {
    while (!q.waiting.empty()) {
      member* m = next_with_credit(q);
      if (m == nullptr) return;
      entry e = std::move(q.waiting.front());
      q.waiting.pop_front();
      --m->credit;
      if (broken_ == breaks::group && q.is_group && q.members.size() > 1 && each(10))
        deliver(q, *q.members[q.turn % q.members.size()], {ctx_.keep(*e.event), e.attempt});
      deliver(q, *m, std::move(e));
    }
  }

  void deliver(queue& q, member& m, entry e) {
    postbus_delivery delivery{};
    delivery.event = e.event.get();
    delivery.attempt = e.attempt;
    const sdk::sink to = m.to;
    if (q.is_group) {
      delivery.token = ++tokens_;
      held_.emplace(delivery.token, held{std::move(e), &q, &m});
    }
    to.deliver(delivery);
  }

  void settle(const postbus_settle& s) {
    const auto h = held_.find(s.token);
    if (h == held_.end()) return;
    entry& e = h->second.what;
    queue& q = *h->second.from;
    if (s.what == POSTBUS_FAILED) {
      if (broken_ != breaks::count) ++e.attempt;
      return;
    }
    if (s.what == POSTBUS_EXTEND) return;
    if (s.what == POSTBUS_RELEASE && !(broken_ == breaks::retry && e.attempt > 0) &&
        broken_ != breaks::release) {
      if (broken_ == breaks::count_of_drains) ++e.attempt;
      q.waiting.push_front(std::move(e));
    }
    held_.erase(h);
    hand_out(q);
  }

  void leave(member& m) {
    const std::lock_guard lock(mutex_);
    std::erase(m.from->members, &m);
    if (m.from->is_group) return;
    if (m.from->place) index_.erase(std::exchange(m.from->place, {}));
    m.from->waiting.clear();
  }

  sdk::context& ctx_;
  const breaks broken_;
  const std::size_t queue_max_;
  std::mutex mutex_;
  sdk::topic_index<queue*> index_;
  std::deque<std::unique_ptr<queue>> single_;
  std::map<std::pair<std::string, std::string>, std::unique_ptr<queue>> groups_;
  std::map<std::uint64_t, held> held_;
  std::uint64_t tokens_ = 0, count_ = 0;
  std::string last_topic_;
  std::vector<sdk::publish_completion> unanswered_;
};

}  // namespace
}  // namespace mutant

POSTBUS_PLUGINS(POSTBUS_PLUGIN("mutant", mutant::transport),
                mutant::answering_twice<mutant::transport>("mutant-answers"))
