// mutant: a transport in one process, as simple as one with groups, acknowledgement and replay can be, that breaks a promise when told
// to. What it breaks stands where it is kept.
#include "answers_twice.hpp"
#include "handing_out.hpp"
#include "leaks_when_refused.hpp"

#include <postbus/sdk/plugin.hpp>
#include <postbus/sdk/topic_index.hpp>

#include <fcntl.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>

namespace mutant {
namespace {

class transport : handing_out {
 public:
  using subscription = member;
  static constexpr std::uint32_t can =
      POSTBUS_CAN_CREDIT | POSTBUS_CAN_ACK | POSTBUS_CAN_GROUP | POSTBUS_CAN_PATTERN | POSTBUS_CAN_REPLAY;

  explicit transport(sdk::context& ctx, bool has_flow_control = true)
      : handing_out(ctx),
        has_flow_control_(has_flow_control),
        leaks_each_(broken_promise::named(ctx.text("breaks")).when.period),
        queue_max_(static_cast<std::size_t>(ctx.integer("queue_max"))) {}

  void start(sdk::completion<>&& done) {
    // Counted over all buses of the process: one bus leaves nothing worth looking at.
    static std::uint64_t made = 0;
    if (is_broken(breaks::leak) && ++made % leaks_each_ == 0) (void)::open("/dev/null", O_RDONLY | O_CLOEXEC);
    done.ok();
  }
  void stop(sdk::completion<>&& done) {
    unanswered_.clear();
    unended_.clear();
    done.ok();
  }

  void publish(std::span<const postbus_out> events, sdk::publish_completion&& done) {
    std::vector<postbus_receipt> receipts(events.size());
    std::deque<std::string> positions;
    {
      const std::lock_guard lock(mutex_);
      for (std::size_t i = 0; i < events.size(); ++i) {
        if (is_broken(breaks::batch) && i > 0) continue;
        receipts[i].status =
            i > 0 && receipts[i - 1].status == POSTBUS_E_FULL ? std::int32_t{POSTBUS_E_FULL} : add(events[i]);
        receipts[i].position = sdk::str(positions.emplace_back(std::to_string(past_.size())));
      }
      if (breaks_now(breaks::answer)) return unanswered_.push_back(std::move(done));
    }
    done.ok(receipts);
  }

  void subscribe(const postbus_sub& request, const sdk::sink& to, sdk::completion<member*>&& done) {
    if (request.credit == POSTBUS_CREDIT_UNLIMITED && has_flow_control_)
      return done.fail(POSTBUS_E_UNSUPPORTED, "it delivers with its lock held");
    const std::lock_guard lock(mutex_);
    const std::string pattern(sdk::view(request.pattern)), group(sdk::view(request.group));
    const bool is_alone = group.empty() || is_broken(breaks::no_group);
    auto& known = is_alone ? single_.emplace_back() : groups_[{pattern, group}];
    if (known == nullptr) {
      known = std::make_unique<queue>();
      known->is_group = !is_alone;
      known->place = index_.insert(taken_by(pattern), known.get());
      if (request.from != POSTBUS_FROM_NEW && !is_broken(breaks::past)) fill(*known, request, pattern);
    } else if (request.from != POSTBUS_FROM_NEW) {
      return done.fail(POSTBUS_E_CONFLICT, "the group is there already");
    }
    auto* m = new member{to, known.get(), request.credit};
    known->members.push_back(m);
    done.ok(m);
    hand_out(*known);
  }

  void credit(member& m, std::uint32_t n) {
    const std::lock_guard lock(mutex_);
    if (!breaks_now(breaks::credit_back)) m.credit += n;
    hand_out(*m.from);
  }

  void settle(std::span<const postbus_settle> items, sdk::settle_completion&& done) {
    {
      const std::lock_guard lock(mutex_);
      for (const postbus_settle& s : items) handing_out::settle(s);
    }
    done.ok();
  }

  void quiesce(member& m, sdk::completion<>&& done) {
    {
      const std::lock_guard lock(mutex_);
      is_closing_ = true;
      if (!is_broken(breaks::quiet)) leave(m);
      if (breaks_now(breaks::ending)) return unended_.push_back(std::move(done));
    }
    done.ok();
  }

  void unsubscribe(member& m, sdk::completion<>&& done) {
    if (is_broken(breaks::quiet)) return done.ok();  // it stays, and gets what comes
    {
      const std::lock_guard lock(mutex_);
      give_back(m);
    }
    delete &m;
    done.ok();
  }

 private:
  std::string taken_by(const std::string& pattern) const {
    if (is_broken(breaks::no_pattern) && pattern.find_first_of("*{") != pattern.npos)
      return "conformance:literal";
    const bool deeper = is_broken(breaks::pattern) && pattern.ends_with(":*");
    return deeper ? pattern + "*" : pattern;
  }

  // The events of the past that a new queue begins with.
  void fill(queue& q, const postbus_sub& request, const std::string& pattern) {
    std::uint64_t behind = 0;
    if (request.from == POSTBUS_FROM_POSITION) {
      const std::string_view text = sdk::view(request.position);
      std::from_chars(text.data(), text.data() + text.size(), behind);
      if (is_broken(breaks::position) && behind > 0) --behind;
    }
    sdk::topic_index<int> only;
    [[maybe_unused]] const auto place = only.insert(taken_by(pattern), 0);
    for (const entry& e : past_) {
      if (e.position <= behind) continue;
      if (request.from == POSTBUS_FROM_TIME && e.event->time_ns < request.from_ns && !is_broken(breaks::time))
        continue;
      only.match(sdk::view(e.event->topic), [&](int) {
        if (!breaks_now(breaks::replay)) q.waiting.push_back({ctx_.keep(*e.event), 0, e.position});
      });
    }
  }

  std::int32_t add(const postbus_out& out) {
    if (is_broken(breaks::crash)) std::abort();
    if (is_broken(breaks::scribble)) const_cast<postbus_event*>(out.event)->expires_ns = 0;
    const postbus_event* const last = std::exchange(lent_, out.event);
    if (is_broken(breaks::borrow) && last != nullptr && last->topic.len == 0) return POSTBUS_E_INVALID;
    if (breaks_now(breaks::unwell)) ctx_.unwell(POSTBUS_UNHEALTHY, "it says so", "");
    if (is_closing_ && breaks_now(breaks::closing)) return POSTBUS_E_UNAVAILABLE;
    std::vector<queue*> to;
    index_.match(sdk::view(out.event->topic), [&](queue* q) { to.push_back(q); });
    const bool full =
        std::any_of(to.begin(), to.end(), [&](const queue* q) { return q->waiting.size() >= queue_max_; });
    if (full && breaks_now(breaks::full)) return POSTBUS_OK;
    if (full && !breaks_now(breaks::bound)) return POSTBUS_E_FULL;
    if (breaks_now(breaks::delivery)) return POSTBUS_OK;
    ctx_.fill(*out.event);
    past_.push_back({ctx_.keep(*out.event), 0, past_.size() + 1});
    const int copies = breaks_now(breaks::once) ? 2 : 1;
    for (queue* q : to) {
      for (int i = 0; i < copies; ++i) {
        sdk::kept_event kept = ctx_.keep(*out.event);
        if (!kept) return POSTBUS_E_NOMEM;
        q->waiting.push_back({std::move(kept), 0, past_.size()});
      }
      auto& w = q->waiting;
      if (!q->is_group && w.size() > 1 && breaks_now(breaks::order))
        std::swap(w[w.size() - 1], w[w.size() - 2]);
      hand_out(*q);
    }
    went_by(sdk::view(out.event->topic));
    return breaks_now(breaks::refusal) ? std::int32_t{POSTBUS_E_UNAVAILABLE} : std::int32_t{POSTBUS_OK};
  }

  // With the lock held.
  void leave(member& m) {
    std::erase(m.from->members, &m);
    if (m.from->is_group) return;
    if (m.from->place) index_.erase(std::exchange(m.from->place, {}));
    m.from->waiting.clear();
  }

  const bool has_flow_control_;
  const unsigned leaks_each_;
  const std::size_t queue_max_;
  std::mutex mutex_;
  sdk::topic_index<queue*> index_;
  std::deque<std::unique_ptr<queue>> single_;
  std::map<std::pair<std::string, std::string>, std::unique_ptr<queue>> groups_;
  std::deque<entry> past_;
  bool is_closing_ = false;
  const postbus_event* lent_ = nullptr;  // the last one, gone by now
  std::vector<sdk::publish_completion> unanswered_;
  std::vector<sdk::completion<>> unended_;
};

// The same without flow control.
class flood : public transport {
 public:
  static constexpr std::uint32_t can = transport::can & ~std::uint32_t{POSTBUS_CAN_CREDIT};
  explicit flood(sdk::context& ctx) : transport(ctx, false) {}

 private:
  using transport::credit;
};

}  // namespace
}  // namespace mutant

POSTBUS_PLUGINS(POSTBUS_PLUGIN("mutant", mutant::transport), POSTBUS_PLUGIN("mutant-flood", mutant::flood),
                mutant::answering_twice<mutant::transport>("mutant-answers"),
                mutant::leaking_when_refused<mutant::transport>("mutant-leaks"))
