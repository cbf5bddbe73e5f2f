// mutant-dedup: dedup, between which and the host a promise is broken when told to: what it is shown is changed, or what it answers.
#include "dedup/dedup.hpp"

#include <string>

namespace mutant {
namespace {

namespace sdk = postbus::sdk;

class dedup : public postbus::dedup_plugin::dedup {
 public:
  explicit dedup(sdk::context& ctx) : postbus::dedup_plugin::dedup(ctx), breaks_(ctx.text("breaks")) {
    is_rare_ = breaks_.ends_with(" rarely");
    if (is_rare_) breaks_.resize(breaks_.size() - std::string_view(" rarely").size());
  }

  void on_batch(std::uint32_t stage, std::span<postbus_item> items) {
    for (postbus_item& raw : items) {
      const bool asks = stage == POSTBUS_AT_DELIVER, tells = stage == POSTBUS_AT_SETTLED;
      // It lets an event by unseen.
      if (asks && breaks_now("claim")) continue;
      // It goes by the data, not by the id.
      if (asks && breaks_now("key"))
        raw.key = {reinterpret_cast<const char*>(raw.event->data.ptr), raw.event->data.len};
      // It forgets that an event was handled.
      if (tells && raw.outcome == POSTBUS_ACK && breaks_now("done")) raw.outcome = POSTBUS_RELEASE;
      // It takes a first attempt that failed for one that was handled.
      if (tells && raw.outcome == POSTBUS_FAILED && breaks_now("release")) raw.outcome = POSTBUS_ACK;
      postbus::dedup_plugin::dedup::on_batch(stage, {&raw, 1});
      // It drops a copy although the first one still runs, or lets it by.
      if (asks && raw.verdict == POSTBUS_PARK && breaks_now("wait")) raw.verdict = POSTBUS_DROP;
      if (asks && raw.verdict == POSTBUS_PARK && breaks_now("park")) raw.verdict = POSTBUS_PASS;
    }
  }

 private:
  bool breaks_now(std::string_view what) { return breaks_ == what && (!is_rare_ || ++count_ % 1000 == 0); }

  std::string breaks_;
  bool is_rare_ = false;
  std::atomic<std::uint64_t> count_{0};
};

}  // namespace
}  // namespace mutant

POSTBUS_PLUGINS(POSTBUS_PLUGIN("dedup", mutant::dedup))
