#include "health_asker.hpp"

#include "plugins/plugin_instance.hpp"

#include <thread>

namespace postbus::detail {
namespace {

constexpr std::chrono::milliseconds soon{1};

}  // namespace

health_asker::question health_asker::ask(const plugin_instance& plugin, runtime& rt) {
  question q{plugin.component()};
  auto call = plugin_call::make(plugin, rt);
  if (rt.is_virtual()) {
    call->ask(plugin, "health", "{}");
    q.call = std::move(call);
    return q;
  }
  std::unique_lock lock(mutex_);
  // One that has just answered, or was asked by another thread, comes back soon.
  if (!changed_.wait_for(lock, soon, [&] { return !asking_.contains(&plugin); })) {
    q.asked_ns = asking_.at(&plugin);
    return q;
  }
  asking_.emplace(&plugin, rt.now_ns());
  q.call = call;
  try {
    std::thread([this, call = std::move(call), &plugin] {
      call->ask(plugin, "health", "{}");
      const std::lock_guard back(mutex_);
      asking_.erase(&plugin);
      changed_.notify_all();
    }).detach();
  } catch (...) {  // no thread to be had
    asking_.erase(&plugin);
    throw;
  }
  return q;
}

bool health_asker::wait(const deadline& end) {
  std::unique_lock lock(mutex_);
  return end.wait(lock, changed_, [&] { return asking_.empty(); });
}

void health_asker::look_at_the_time_again() {
  const std::lock_guard lock(mutex_);
  changed_.notify_all();
}

}  // namespace postbus::detail
