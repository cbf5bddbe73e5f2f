// store: one memory-store instance. Shared by the buses of a process that name the same instance. Any thread.
#pragma once

#include "store_ops.hpp"

#include <memory>

namespace postbus::memory {

class store {
 public:
  // The store of this name, or a new one of its own for an empty name. The first one to name it says how much it takes.
  static std::shared_ptr<store> find(std::string_view name, store_limits most);

  explicit store(store_limits most) : table_(most) {}

  struct figures {
    std::size_t keys = 0, bytes = 0;
  };
  // `told(figures)` is called with the lock held. True: the caller sees to it that told_of.tell() runs, once.
  template <class Told>
  [[nodiscard]] bool execute(std::span<const postbus_op> ops, store_reply& reply, const sdk::context& ctx,
                             Told told) {
    const std::lock_guard lock(mutex_);
    table_.set_time(ctx.now_ns(), sweep_max);
    std::vector<note> notes;
    store_runner(table_, ctx.wall_ns(), reply, notes).run(ops);
    told(figures{table_.size(), table_.bytes()});
    return !notes.empty() && told_of.add(std::move(notes));
  }
  // What there is now, without what has expired; told as by execute().
  template <class Told>
  figures look(const sdk::context& ctx, Told told) {
    const std::lock_guard lock(mutex_);
    table_.set_time(ctx.now_ns(), std::numeric_limits<std::size_t>::max());
    const figures now{table_.size(), table_.bytes()};
    told(now);
    return now;
  }
  store_limits limits() const noexcept { return table_.limits(); }

  watches told_of;

 private:
  static constexpr std::size_t sweep_max = 64;  // expired keys that one execute() clears away

  std::mutex mutex_;
  store_table table_;
};

// {"keys": …, "bytes": …, "watches": …}; of a full one also state, reason and remedy.
std::string health_json(const store::figures& now, std::size_t watches, const store_limits& most);

}  // namespace postbus::memory
