// The feature brake with one promise broken on the way in or out, when it is told to: whenever it matters, or one time in a thousand
// ("starts rarely").
#include "brake/brake.hpp"

#include <postbus/sdk/plugin.hpp>

#include <atomic>

namespace mutant {
namespace {

namespace sdk = postbus::sdk;

class brake {
 public:
  using answer = sdk::completion<std::string_view>;

  explicit brake(sdk::context& ctx) : ctx_(ctx), flow_(ctx), real_(ctx), breaks_(ctx.text("breaks")) {
    is_rare_ = breaks_.ends_with(" rarely");
    if (is_rare_) breaks_.resize(breaks_.size() - std::string_view(" rarely").size());
  }
  void start(sdk::completion<>&& done) { real_.start(std::move(done)); }
  void stop(sdk::completion<>&& done) { real_.stop(std::move(done)); }

  sdk::verdict on_publish(sdk::item& i) {
    const sdk::verdict v = real_.on_publish(i);
    const bool is_late = v == sdk::verdict::reject && i.cause() != 0;
    if (v == sdk::verdict::reject && !is_late && breaks_now("refusal")) return sdk::verdict::pass;
    return is_late && breaks_now("late publish") ? sdk::verdict::pass : v;
  }
  void on_published(sdk::item& i) { real_.on_published(i); }
  sdk::verdict on_deliver(sdk::item& i) {
    if (breaks_ == "others" && i.topic().starts_with("jobs:other") && breaks_now("others"))
      return sdk::verdict::park;
    const sdk::verdict v = real_.on_deliver(i);
    if (v == sdk::verdict::park && breaks_now("starts")) return sdk::verdict::pass;
    if (v == sdk::verdict::park) was_parked_ = true;
    // To the end of the queue, when it has been set aside once.
    if (v == sdk::verdict::pass && was_parked_ && breaks_now("order")) {
      flow_.resume(i.ticket(), sdk::verdict::hold);
      return sdk::verdict::park;
    }
    return v;
  }
  sdk::verdict on_settled(sdk::item& i) {
    const sdk::verdict v = real_.on_settled(i);
    return v == sdk::verdict::reject && breaks_now("late ack") ? sdk::verdict::pass : v;
  }

  void call(std::string_view method, std::string_view text, answer&& done) {
    if (method == "pause" && breaks_now("pause")) return done.ok(said("paused"));
    if (method == "status" && breaks_now("paused too soon")) return done.ok(said("paused"));
    if (method == "status" && breaks_now("list")) return done.ok(said("partial"));
    real_.call(method, text, std::move(done));
  }

 private:
  bool breaks_now(std::string_view what) {
    if (breaks_ != what) return false;
    const unsigned period = is_rare_ ? 1000 : what == "order" ? 10 : 1;  // in order to end
    return count_.fetch_add(1) % period == period - 1;
  }
  // With nothing that runs.
  static std::string said(std::string_view state) {
    return R"({"state":")" + std::string(state) +
           R"(","epoch":1,"actor":"","activated_at":"","parked":0,"running":[],"unconfirmed":[]})";
  }

  sdk::context& ctx_;
  sdk::flow flow_;
  postbus::brake_plugin::plugin real_;
  std::string breaks_;
  bool is_rare_ = false;
  std::atomic<bool> was_parked_{false};
  std::atomic<unsigned> count_{0};
};

}  // namespace
}  // namespace mutant

POSTBUS_PLUGINS(POSTBUS_PLUGIN("brake", mutant::brake))
