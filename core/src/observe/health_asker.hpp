// health_asker: asks plugins how they are, each on a thread of its own: one that does not come back holds up nobody, and is not asked
// again before it did. Under a manual clock it asks on the caller's thread.
#pragma once

#include "engine/deadline.hpp"
#include "engine/runtime.hpp"
#include "plugins/plugin_call.hpp"

#include <map>
#include <optional>

namespace postbus::detail {

class health_asker {
 public:
  struct question {
    std::string component;
    std::shared_ptr<plugin_call> call{};     // nullptr: not asked, for
    std::optional<std::int64_t> asked_ns{};  // it has not come back since then
    std::optional<std::chrono::nanoseconds> latency{};
    std::string facts{};
  };
  // The plugin stays until wait() said that all came back. Throws error::bad_plugin when it gives no postbus.control/1.
  question ask(const plugin_instance& plugin, runtime& rt);
  // False when the deadline passed before: a plugin is still being asked.
  bool wait(const deadline& end);
  // For who waits: its deadline was brought forward.
  void look_at_the_time_again();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<const plugin_instance*, std::int64_t> asking_;  // since when
};

}  // namespace postbus::detail
