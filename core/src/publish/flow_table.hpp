// flow_table: which items wait for a feature's verdict (HOLD, PARK), by ticket, and the verdicts that come before anybody waits. A
// feature may answer a ticket from any thread as soon as it was asked about it, while its on_batch still runs.
#pragma once

#include <postbus/plugin.h>

#include <postbus/sdk/spin_mutex.hpp>

#include <algorithm>
#include <mutex>
#include <optional>
#include <span>
#include <unordered_map>

namespace postbus::detail {

class flow_table {
 public:
  // What PARK is to who waits: a verdict like others; nothing; or go_on is called with it, and then waits again.
  enum class parking { is_verdict, is_nothing, is_told };
  // Who goes on with the verdict; called once, without a lock, on the thread that gives it.
  struct resumption {
    void (*go_on)(void* ctx, const postbus_verdict& answer) = nullptr;
    void* ctx = nullptr;
    parking when_parked = parking::is_verdict;

    bool waits_on(const postbus_verdict& answer) const noexcept {
      return answer.verdict == POSTBUS_PARK && when_parked != parking::is_verdict;
    }
  };

  // What a feature is being asked about, from before its on_batch until it has returned. Costs nothing for what it answers at once.
  class question {
   public:
    question(flow_table& table, std::span<const postbus_item> items) : table_(table), items_(items) {
      const std::lock_guard lock(table_.mutex_);
      next_ = std::exchange(table_.questions_, this);
    }
    // Verdicts of those that it holds or parks are for who waits; of the others nobody waits for one.
    ~question() {
      const std::lock_guard lock(table_.mutex_);
      question** at = &table_.questions_;
      while (*at != this) at = &(*at)->next_;
      *at = next_;
      for (const postbus_item& i : items_)
        if (i.verdict == POSTBUS_HOLD || i.verdict == POSTBUS_PARK) table_.all_.try_emplace(i.ticket);
        else if (has_early_) table_.all_.erase(i.ticket);
    }
    question(const question&) = delete;
    question& operator=(const question&) = delete;

   private:
    friend flow_table;
    flow_table& table_;
    const std::span<const postbus_item> items_;
    question* next_ = nullptr;
    bool has_early_ = false;
  };

  // Nobody will wait for it.
  void dismiss(std::uint64_t ticket) {
    const std::lock_guard lock(mutex_);
    all_.erase(ticket);
  }
  // The verdict, where it came before anybody waited: nobody is going to. Not HOLD and PARK, which are none.
  std::optional<postbus_verdict> take(std::uint64_t ticket) {
    const std::lock_guard lock(mutex_);
    const auto found = all_.find(ticket);
    if (found == all_.end() || !found->second.came) return {};
    const postbus_verdict answer = *found->second.came;
    if (answer.verdict == POSTBUS_HOLD || answer.verdict == POSTBUS_PARK) return {};
    all_.erase(found);
    return answer;
  }
  // It answered HOLD or PARK, and everything is ready for its verdict: go_on is called with it, now where it came already.
  void wait(std::uint64_t ticket, resumption then) {
    std::unique_lock lock(mutex_);
    entry& e = all_[ticket];
    if (e.came && then.waits_on(*e.came) && then.when_parked == parking::is_nothing) e.came.reset();
    if (!e.came) {
      e.then = then;
      return;
    }
    const postbus_verdict answer = *e.came;
    if (then.waits_on(answer)) e.came.reset();
    else all_.erase(ticket);
    lock.unlock();
    then.go_on(then.ctx, answer);
  }
  // Nobody waits for it any more. False: it was not waited for; a verdict is on its way to go_on, or never was one.
  bool forget(std::uint64_t ticket) {
    const std::lock_guard lock(mutex_);
    const auto found = all_.find(ticket);
    if (found == all_.end() || found->second.then.go_on == nullptr) return false;
    all_.erase(found);
    return true;
  }
  // False: nobody asked about it, or it has its verdict.
  bool resume(const postbus_verdict& answer) {
    std::unique_lock lock(mutex_);
    auto found = all_.find(answer.ticket);
    if (found == all_.end()) {
      if (!is_asked(answer.ticket)) return false;
      found = all_.try_emplace(answer.ticket).first;
    }
    if (found->second.came && found->second.came->verdict != POSTBUS_PARK) return false;
    if (found->second.then.go_on == nullptr) {
      found->second.came = answer;
      return true;
    }
    const resumption then = found->second.then;
    if (!then.waits_on(answer)) all_.erase(found);
    else if (then.when_parked == parking::is_nothing) return true;
    else found->second.then = {};
    lock.unlock();
    then.go_on(then.ctx, answer);
    return true;
  }

 private:
  struct entry {
    std::optional<postbus_verdict> came;
    resumption then;
  };

  // Whether a feature is being asked about it now.
  bool is_asked(std::uint64_t ticket) noexcept {
    for (question* q = questions_; q != nullptr; q = q->next_)
      if (std::any_of(q->items_.begin(), q->items_.end(),
                      [ticket](const postbus_item& i) { return i.ticket == ticket; }))
        return q->has_early_ = true;
    return false;
  }

  sdk::spin_mutex mutex_;
  question* questions_ = nullptr;  // as many as threads that ask
  std::unordered_map<std::uint64_t, entry> all_;
};

}  // namespace postbus::detail
