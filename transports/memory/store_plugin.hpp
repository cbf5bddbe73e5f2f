// The plugin memory-store: settings, answers, and health of a store.
#pragma once

#include "store.hpp"
#include "store_check.hpp"

namespace postbus::memory {

class memory_store {
 public:
  explicit memory_store(sdk::context& ctx)
      : ctx_(ctx),
        keys_(ctx.metric(POSTBUS_GAUGE, "keys", "Keys that the store holds.")),
        bytes_(ctx.metric(POSTBUS_GAUGE, "bytes", "Bytes of the keys and values that the store holds.")),
        later_(ctx.text("answers") == "later"),
        store_(store::find(ctx.text("instance"), {static_cast<std::size_t>(ctx.integer("keys_max")),
                                                  static_cast<std::size_t>(ctx.integer("bytes_max"))})) {}

  void stop(sdk::completion<>&& done) { store_->told_of.erase_all(&ctx_, std::move(done)); }

  // The ops are done when this returns; "later" holds back the answer only.
  void execute(std::span<const postbus_op> ops, sdk::store_completion&& done) {
    check_ops(ops);
    if (!later_) {
      store_reply reply(ops.size());
      run(ops, reply);
      return done.ok(reply.all());
    }
    auto reply = std::make_unique<store_reply>(ops.size());
    run(ops, *reply);
    ctx_.post([r = std::move(reply), d = std::move(done)]() mutable { d.ok(r->all()); });
  }
  void watch(std::string_view prefix, const sdk::watcher& who, sdk::completion<std::uint64_t>&& done) {
    const std::uint64_t id = store_->told_of.insert(prefix, who, &ctx_);
    if (!later_) return done.ok(id);
    ctx_.post([id, d = std::move(done)]() mutable { d.ok(id); });
  }
  void unwatch(std::uint64_t watch, sdk::completion<>&& done) {
    store_->told_of.erase(watch, &ctx_, std::move(done));
  }
  // The only method of the manifest.
  void call(std::string_view, std::string_view, sdk::completion<std::string_view>&& done) {
    const store::figures seen = store_->look(ctx_, [this](const store::figures& now) { say(now); });
    done.ok(health_json(seen, store_->told_of.size(), store_->limits()));
  }

 private:
  // With the store's lock. The gauges go by what this instance said last: others of the same store change it too.
  void say(const store::figures& now) {
    if (now.keys != said_.keys) ctx_.add(keys_, static_cast<std::int64_t>(now.keys - said_.keys));
    if (now.bytes != said_.bytes) ctx_.add(bytes_, static_cast<std::int64_t>(now.bytes - said_.bytes));
    said_ = now;
  }
  void run(std::span<const postbus_op> ops, store_reply& reply) {
    const bool notes = store_->execute(ops, reply, ctx_, [this](const store::figures& now) { say(now); });
    if (notes) ctx_.post([s = store_] { s->told_of.tell(); });
  }

  sdk::context& ctx_;
  const std::uint32_t keys_, bytes_;
  const bool later_;
  const std::shared_ptr<store> store_;
  store::figures said_;  // with the store's lock
};

}  // namespace postbus::memory
