// log_levels: from which level on a module is logged. Looked at without a lock, for it is asked before every line is put together.
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace postbus::detail {

// Levels are POSTBUS_LOG_…; one more than POSTBUS_LOG_ERROR: nothing.
class log_levels {
 public:
  explicit log_levels(int level) noexcept : level_(level), lowest_(level) {}

  bool enabled(int level, std::string_view module) const noexcept {
    if (level < lowest_.load(std::memory_order_relaxed)) return false;
    for (const own* o = own_.load(std::memory_order_acquire); o != nullptr; o = o->next)
      if (o->module == module) {
        if (const int l = o->level.load(std::memory_order_relaxed); l != as_all) return level >= l;
        break;
      }
    return level >= level_.load(std::memory_order_relaxed);
  }

  // Of all modules, those that had a level of their own too.
  void set(int level) {
    const std::lock_guard lock(mutex_);
    level_ = level;
    for (const auto& o : all_own_) o->level = as_all;
    lowest_ = level;
  }
  // Of one. Each name takes memory for as long as the bus lives.
  void set(int level, std::string_view module) {
    const std::lock_guard lock(mutex_);
    own* mine = nullptr;
    int lowest = level_;
    for (const auto& o : all_own_) {
      if (o->module == module) mine = o.get();
      else if (o->level != as_all) lowest = std::min<int>(lowest, o->level);
    }
    if (mine == nullptr) {
      mine = all_own_.emplace_back(std::make_unique<own>(module, level, own_.load())).get();
      own_.store(mine, std::memory_order_release);
    }
    mine->level = level;
    lowest_ = std::min(lowest, level);
  }

 private:
  static constexpr int as_all = -1;
  struct own {
    own(std::string_view m, int l, const own* n) : module(m), level(l), next(n) {}
    const std::string module;
    std::atomic<int> level;
    const own* const next;
  };

  std::mutex mutex_;  // of who sets
  std::vector<std::unique_ptr<own>> all_own_;
  std::atomic<const own*> own_{nullptr};  // the last of them, and by next the others
  std::atomic<int> level_, lowest_;
};

}  // namespace postbus::detail
