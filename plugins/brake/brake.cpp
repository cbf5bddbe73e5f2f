#include "brake.hpp"

#include <unistd.h>

#include <array>

namespace postbus::brake_plugin {
namespace {

[[noreturn]] void refuse(const std::string& found, const std::string& wanted) {
  throw sdk::failure(POSTBUS_E_INVALID, found + "; expected " + wanted);
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> all;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) all.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return all;
}

std::string host_name() {
  std::array<char, 65> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "host";
}

}  // namespace

plugin::plugin(sdk::context& ctx)
    : ctx_(ctx),
      store_(ctx),
      flow_(ctx),
      publisher_(ctx.service<postbus_publisher>("postbus.publish/1", &publisher_self_)),
      inflight_(ctx.service<postbus_inflight>("postbus.inflight/1", &inflight_self_)),
      limits_{ctx.duration("confirm_within"), ctx.duration("verify_after")},
      self_fence_(ctx.duration("self_fence")),
      renew_(ctx.duration("renew")),
      lease_(ctx.duration("lease")),
      holds_publishes_(ctx.text("publishes") == "hold"),
      status_(ctx.text("status")),
      exempt_(words(ctx.text("exempt"))),
      process_(ctx.text("process").empty() ? host_name() : std::string(ctx.text("process"))) {
  if (!(renew_ < self_fence_ && self_fence_ < lease_))
    refuse("renew, self_fence and lease are not in this order",
           "renew < self_fence < lease, as in 5s, 10s, 15s");
  if (process_.find(' ') != process_.npos) refuse("the process '" + process_ + "'", "a name without a space");
  for (const std::string& p : exempt_)
    if (const auto fault = sdk::check_pattern(p)) refuse("exempt: " + sdk::describe(fault, p), "patterns");
  if (const auto fault = sdk::check_topic(status_))
    refuse("status: " + sdk::describe(fault, status_), "a topic");
}

void plugin::start(sdk::completion<>&& done) {
  process_ += "-" + std::to_string(ctx_.random() >> 16);
  flag_changed_ = [this](std::string_view key, std::string_view note) {
    if (key.empty()) return synchronise({});
    const std::size_t colon = note.find(':');
    const auto p = phase_named(note.substr(std::min(note.size(), colon + 1)));
    if (colon == note.npos || !p) return read({std::string(key.substr(flag_prefix.size()))}, [](bool) {});
    learn(std::string(key.substr(flag_prefix.size())), std::stoll(std::string(note.substr(0, colon))), *p);
  };
  confirmation_came_ = [this](std::string_view key, std::string_view) {
    if (key.empty()) return;  // the heartbeat looks
    const std::string name(key.substr(confirm_prefix.size()));
    bool is_ours;
    {
      const lock held(mutex_);
      is_ours = drives_.contains(name) || waiters_.contains(name);
    }
    if (is_ours) look(name);
  };
  started_ = std::move(done);
  store_.watch(flag_prefix, flag_changed_, [this](std::int32_t status, std::uint64_t watch) {
    flag_watch_ = status == POSTBUS_OK ? watch : 0;
    store_.watch(confirm_prefix, confirmation_came_, [this](std::int32_t other, std::uint64_t second) {
      confirm_watch_ = other == POSTBUS_OK ? second : 0;
      beat();
    });
  });
}

void plugin::stop(sdk::completion<>&& done) {
  std::multimap<std::string, waiter, std::less<>> waiting;
  std::multimap<std::string, sdk::completion<std::string_view>, std::less<>> confirming;
  sdk::store_ops ops;
  {
    const lock held(mutex_);
    stops_ = true;
    waiting.swap(waiters_);
    confirming.swap(confirms_);
    ops.zset_erase(processes_key, process_);
    for (const auto& d : registry_.take_debts()) ops.zset_erase(d.key, d.member);
  }
  store_.execute(std::move(ops), [this, done = std::move(done)](const sdk::store_answer&) mutable {
    if (flag_watch_ == 0) return done.ok();
    store_.unwatch(flag_watch_, [this, done = std::move(done)](std::int32_t) mutable {
      if (confirm_watch_ == 0) return done.ok();
      store_.unwatch(confirm_watch_, [done = std::move(done)](std::int32_t) mutable { done.ok(); });
    });
  });
}

}  // namespace postbus::brake_plugin
