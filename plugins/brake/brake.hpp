// brake: the plugin. It asks the pure parts what follows from what it hears, and carries that out: ops of the store, verdicts, requests
// to stop, events about changes. docs/brake.md is the protocol.
//
//   passes.cpp    items: the gate at a delivery, publishes, the fence at the end of a delivery
//   upkeep.cpp    the heartbeat: renews, reads what others changed, knows when the store is out of reach
//   changes.cpp   a scope's states: learning of them, confirming, entering one
//   look.cpp      whether the next state is due, and what commands that wait are answered with
//   commands.cpp  the methods
#pragma once

#include "survey.hpp"

#include <postbus/sdk/interceptor.hpp>

#include <mutex>

namespace postbus::brake_plugin {

class plugin {
 public:
  explicit plugin(sdk::context& ctx);
  void start(sdk::completion<>&& done);
  void stop(sdk::completion<>&& done);

  sdk::verdict on_publish(sdk::item& i);
  void on_published(sdk::item& i);
  sdk::verdict on_deliver(sdk::item& i);
  sdk::verdict on_settled(sdk::item& i);
  void call(std::string_view method, std::string_view json, sdk::completion<std::string_view>&& done);

 private:
  using lock = std::lock_guard<std::mutex>;
  using nanoseconds = std::chrono::nanoseconds;
  // A verdict that may come before the function that asked for it has returned.
  struct late_verdict;
  // Of a command, until it is answered: what it waits for is seen by a look.
  struct waiter {
    sdk::completion<std::string_view> done;
    std::int64_t epoch = 0;     // that every live process is to confirm
    std::int64_t until_ns = 0;  // then it is answered with those that did not
  };
  struct command;

  // ---- passes.cpp
  enum class gate { open, ask, shut };
  gate look_at_gate(sdk::item& i, std::string_view key, std::optional<work>& out);
  sdk::verdict enter(sdk::item& i, std::string_view key);
  bool entered(std::uint64_t ticket, const work& w, std::int64_t sent_ns, const sdk::store_answer& a);
  void leave(const work& w);
  void add_leave(sdk::store_ops& to, const work& w) const;
  bool is_exempt(std::string_view topic) const;

  // ---- upkeep.cpp
  void beat();
  struct pulse;
  void heard(const pulse& p, const sdk::store_answer& a);
  void synchronise(const std::string& cursor);
  void read(std::vector<std::string> names, std::function<void(bool ok)> then);
  void beat_in(nanoseconds delay);
  void lost_contact(std::string_view why);
  bool is_fenced(std::int64_t now_ns) const noexcept;  // with the lock held
  void release();

  // ---- changes.cpp
  void reconcile(const std::string& name, const record& r);
  void learn(const std::string& name, std::int64_t epoch, phase p);
  void flag_seen(std::string_view key);
  void take_hold(const std::string& name);
  void confirm(const std::string& name, std::int64_t epoch);
  void enter_change(const std::string& name, const record& seen, change c,
                    std::function<void(std::int32_t status, std::string_view message)> then);
  void tell(const std::string& name, const change& c);

  // ---- look.cpp
  void look(const std::string& name);
  void find_work(const std::string& name, const std::string& cursor, std::vector<std::string> lists);
  void take_survey(const std::string& name, std::vector<std::string> lists);
  void looked(const std::string& name, survey s);
  void look_failed(const std::string& name, std::string_view why);
  void looks_again(const std::string& name);
  void look_ended(const std::string& name);
  void answer_waiters(const std::string& name, const survey& s);
  void confirm_unverified(const std::string& name, const survey& s);

  // ---- commands.cpp
  void carry_out(std::shared_ptr<command> c, unsigned tries);
  void wait_for(const std::string& name, waiter w);

  sdk::context& ctx_;
  sdk::store_client store_;
  const sdk::flow flow_;
  void *publisher_self_ = nullptr, *inflight_self_ = nullptr;
  const postbus_publisher* const publisher_;
  const postbus_inflight* const inflight_;

  const limits limits_;
  const nanoseconds self_fence_, renew_, lease_;
  const bool holds_publishes_;
  const std::string status_;
  std::vector<std::string> exempt_;
  std::string process_;
  std::function<void(std::string_view key, std::string_view note)> flag_changed_, confirmation_came_;
  std::uint64_t flag_watch_ = 0, confirm_watch_ = 0;

  // One lock for what follows, but for book::may_block(); nothing of the host is called with it held.
  mutable std::mutex mutex_;
  book book_;
  registry registry_;
  std::map<std::string, bool, std::less<>>
      looks_;  // those under way, and whether another one is wanted behind it
  std::multimap<std::string, waiter, std::less<>> waiters_;
  std::multimap<std::string, sdk::completion<std::string_view>, std::less<>> confirms_;
  std::map<std::string, std::int64_t, std::less<>>
      drives_;  // the scopes whose last change was made here, and its epoch
  std::map<std::string, std::int64_t, std::less<>> confirmed_;  // once nothing of the scope can start here
  bool is_synchronised_ = false;  // knows of every pause that there was when it came into contact
  bool is_out_of_contact_ = false;
  bool beats_ = false, stops_ = false;
  std::int64_t last_contact_ns_ = 0;
  nanoseconds retry_{std::chrono::milliseconds(100)};
  std::uint64_t beat_timer_ = 0;
  sdk::completion<> started_;
  std::string cursor_;
};

// The one who asks calls take() once, the one who answers give() once, on any threads.
struct plugin::late_verdict {
  std::atomic<unsigned> state{0};
  sdk::verdict verdict = sdk::verdict::hold;
  std::uint32_t reason = 0;
  // Hold: it comes later.
  sdk::verdict take(sdk::item& i) noexcept {
    if (state.exchange(1) == 0) return sdk::verdict::hold;
    return verdict == sdk::verdict::reject ? i.reject(reason) : verdict;
  }
  // `now` is for take(), `later` for an item that is held already.
  void give(const sdk::flow& flow, std::uint64_t ticket, sdk::verdict now, sdk::verdict later,
            std::uint32_t why = 0) noexcept {
    verdict = now;
    reason = why;
    if (state.exchange(2) == 1) flow.resume(ticket, later, why);
  }
};

}  // namespace postbus::brake_plugin
