#include "arguments.hpp"
#include "brake.hpp"

namespace postbus::brake_plugin {
namespace {

constexpr unsigned tries_max = 20;  // of a command that others are faster than

}  // namespace

struct plugin::command {
  bool pauses = true;
  arguments what;
  sdk::completion<std::string_view> done;
};

void plugin::call(std::string_view method, std::string_view text, sdk::completion<std::string_view>&& done) {
  auto c = std::make_shared<command>();
  c->what = arguments::parse(text);
  const std::string name = c->what.of.name();
  if (method == "status") return wait_for(name, {std::move(done), 0, ctx_.now_ns()});
  if (method == "confirm_unverified") {
    {
      const lock held(mutex_);
      confirms_.emplace(name, std::move(done));
    }
    return look(name);
  }
  c->pauses = method == "pause";
  c->done = std::move(done);
  carry_out(std::move(c), 0);
}

void plugin::carry_out(std::shared_ptr<command> c, unsigned tries) {
  sdk::store_ops ops;
  read_ops(ops, c->what.of.name());
  store_.execute(std::move(ops), [this, c, tries](const sdk::store_answer& a) {
    const std::string name = c->what.of.name();
    if (a.status() != POSTBUS_OK) return c->done.fail(a.status(), a.message(), true);
    const record r = record::read(a[0], a[1]);
    if (c->what.epoch && *c->what.epoch != r.epoch)
      return c->done.fail(POSTBUS_E_CONFLICT, "the scope is in epoch " + std::to_string(r.epoch) +
                                                  "; expected " + std::to_string(*c->what.epoch) +
                                                  ": look at its status, and decide anew");
    const auto wait = [this, c, name](std::int64_t epoch) {
      wait_for(name, {std::move(c->done), epoch, ctx_.now_ns() + limits_.confirm_within.count()});
    };
    const bool is_paused = r.has_flag && blocks(r.phase);
    if (c->pauses ? is_paused : !r.has_flag && !blocks(r.phase)) {
      sdk::store_ops heard;
      if (!c->what.heard.empty()) heard_op(heard, c->what.heard);
      if (!heard.empty()) store_.execute(std::move(heard), [](const sdk::store_answer&) {});
      return wait(r.epoch);
    }
    change next;
    next.to = c->pauses ? phase::pausing : phase::resuming;
    next.actor = c->what.actor;
    next.heard = c->what.heard;
    {
      const lock held(mutex_);
      const known* const k = book_.find(name);
      next.epoch = std::max(r.epoch, k != nullptr ? k->epoch : 0) + 1;
    }
    enter_change(name, r, next, [this, c, tries, wait, next](std::int32_t status, std::string_view message) {
      if (status == POSTBUS_OK) return wait(next.epoch);
      if (status == POSTBUS_E_CANCELLED) return wait(0);  // the event was obeyed before
      // Somebody was faster, or the answer is lost: what is there now decides.
      if (tries < tries_max && (status == POSTBUS_E_CONFLICT || status == POSTBUS_E_UNKNOWN))
        return carry_out(c, tries + 1);
      c->done.fail(status, message, true);
    });
  });
}

void plugin::wait_for(const std::string& name, waiter w) {
  const nanoseconds left(w.until_ns - ctx_.now_ns());
  {
    const lock held(mutex_);
    waiters_.emplace(name, std::move(w));
  }
  if (left.count() > 0) ctx_.timer(left, [this, name] { look(name); });
  look(name);
}

}  // namespace postbus::brake_plugin
