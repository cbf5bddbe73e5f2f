// mutant-store: the store of the memory library, between whose table and the host a promise is broken when told to: the ops are changed
// before they are done, or the notes before they are told.
#include "memory/store_plugin.hpp"

#include <postbus/sdk/plugin.hpp>

#include <algorithm>
#include <mutex>
#include <string>
#include <vector>

namespace mutant {
namespace {

namespace sdk = postbus::sdk;

class store {
 public:
  explicit store(sdk::context& ctx) : real_(ctx), breaks_(ctx.text("breaks")) {
    is_rare_ = breaks_.ends_with(" rarely");
    if (is_rare_) breaks_.resize(breaks_.size() - std::string_view(" rarely").size());
  }

  void stop(sdk::completion<>&& done) { real_.stop(std::move(done)); }
  void execute(std::span<const postbus_op> ops, sdk::store_completion&& done) {
    std::vector<postbus_op> changed(ops.begin(), ops.end());
    {
      const std::lock_guard lock(mutex_);
      for (postbus_op& op : changed) spoil(op);
    }
    real_.execute(changed, std::move(done));
  }
  void watch(std::string_view prefix, const sdk::watcher& who, sdk::completion<std::uint64_t>&& done) {
    real_.watch(is_broken("prefix") ? std::string_view() : prefix, who, std::move(done));
  }
  void unwatch(std::uint64_t watch, sdk::completion<>&& done) {
    if (is_broken("unwatch")) return done.ok();
    real_.unwatch(watch, std::move(done));
  }
  void call(std::string_view method, std::string_view json, sdk::completion<std::string_view>&& done) {
    real_.call(method, json, std::move(done));
  }

 private:
  bool is_broken(std::string_view what) const { return breaks_ == what; }
  bool breaks_now(std::string_view what) { return is_broken(what) && (!is_rare_ || ++count_ % 1000 == 0); }

  void spoil(postbus_op& op) {
    const bool is_push = op.kind == POSTBUS_LIST_PUSH, is_zset_put = op.kind == POSTBUS_ZSET_PUT;
    if (op.ttl_ns > 0 && breaks_now("ttl")) op.ttl_ns = 0;
    if (op.kind == POSTBUS_EXPIRE && breaks_now("expire")) op.kind = POSTBUS_CHECK;
    if (op.kind == POSTBUS_ERASE && breaks_now("erase")) op.kind = POSTBUS_CHECK;
    if (op.kind == POSTBUS_ADD && breaks_now("add")) op.number = 0;
    if (op.kind == POSTBUS_SET && op.value.len > 1 && breaks_now("set")) op.value.len = 1;
    if ((op.flags & POSTBUS_IF_ABSENT) != 0 && breaks_now("if_absent"))
      op.flags &= ~std::uint32_t{POSTBUS_IF_ABSENT};
    if ((op.flags & POSTBUS_IF_EQUAL) != 0 && breaks_now("if_equal"))
      op.flags &= ~std::uint32_t{POSTBUS_IF_EQUAL};
    if ((op.flags & POSTBUS_IF_AT_LEAST) != 0 && breaks_now("fence")) op.flags = POSTBUS_STORE_TIME;
    if (op.group != 0 && breaks_now("group")) op.group = 0;
    if (is_push && breaks_now("push")) op.flags ^= POSTBUS_FRONT;
    if (is_push && breaks_now("limit")) op.limit = 0;
    if (op.kind == POSTBUS_HASH_SET && op.field.len > 0 && breaks_now("field")) op.field.len = 1;
    if (op.kind == POSTBUS_HASH_TAKE && breaks_now("take")) op.kind = POSTBUS_GET;
    if (is_zset_put && breaks_now("score")) op.number = -op.number;
    if (op.kind == POSTBUS_ZSET_RANGE && breaks_now("range")) op.number = INT64_MIN;
    if (op.kind == POSTBUS_SCAN && breaks_now("scan")) op.key.len -= std::min<std::size_t>(op.key.len, 5);
    if (op.kind == POSTBUS_NOTIFY && breaks_now("notify")) op.kind = POSTBUS_CHECK;
  }

  postbus::memory::memory_store real_;
  std::string breaks_;
  bool is_rare_ = false;
  std::mutex mutex_;
  std::uint64_t count_ = 0;
};

}  // namespace
}  // namespace mutant

POSTBUS_PLUGINS(POSTBUS_PLUGIN("mutant-store", mutant::store))
