// health_board: the last known state of every component. A plugin says its own through host->state; what it answers when asked for its
// health comes before that.
#pragma once

#include <postbus/health.hpp>

#include <mutex>

namespace postbus::detail {

class health_board {
 public:
  struct condition {
    health_state state = health_state::healthy;
    std::string reason, remedy;
  };

  // Healthy from `wall_ns` on, until something else is said. A name that is there already is not added again.
  void add(std::string_view name, std::string_view plugin, bool required, std::int64_t wall_ns);
  // What the component says of itself, from now on.
  void report(std::string_view name, condition what, std::int64_t wall_ns);
  // What it answered when it was asked, which hides what it says of itself until the next answer; nothing: it had no word on that.
  void answered(std::string_view name, std::optional<condition> what, std::int64_t wall_ns);
  // In the order they were added.
  std::vector<component_health> read() const;

 private:
  struct component {
    component_health shown;
    condition said;
    std::optional<condition> answer;
  };
  component* find(std::string_view name);
  static void show(component& c, std::int64_t wall_ns);

  mutable std::mutex mutex_;
  std::vector<component> components_;
};

// The worst of the required ones; one that is not required makes it degraded at most.
health_state worst_of(const std::vector<component_health>& components) noexcept;

// What a plugin's method "health" answered: {"state": "degraded", "reason": …, "remedy": …, and facts}; all of it may be left out.
struct health_answer {
  bool is_object = false;                            // else its condition says that it is none
  std::optional<health_board::condition> condition;  // nothing: it has no state
};
health_answer read_health(std::string_view json);

}  // namespace postbus::detail
