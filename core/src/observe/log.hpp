// log_service: the log of one bus: who may speak, what is said once and then counted, and how a line is written. spdlog stands behind
// it and nowhere else.
#pragma once

#include "log_bursts.hpp"
#include "log_levels.hpp"

#include <postbus/log.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

namespace postbus::detail {

class runtime;
struct log_settings;

// Levels are POSTBUS_LOG_…. Every function may be called from any thread, and with a lock held that no log sink takes.
class log_service {
 public:
  // Lines go to `sink`, or without one to standard error. Times and windows are those of `rt`.
  log_service(std::string_view bus_name, const log_settings& settings, log_sink sink, runtime& rt);
  log_service(const log_service&) = delete;
  log_service& operator=(const log_service&) = delete;
  ~log_service();

  // `module`: "bus", "admin", or a plugin's id. No lock: for who would have to put a line together first.
  bool enabled(std::int32_t level, std::string_view module) const noexcept;
  void write(std::int32_t level, std::string_view module, std::string_view message) noexcept;
  // The first of a (module, key) is written, those of the next 5 s are counted and summed up in one line.
  void burst(std::int32_t level, std::string_view module, std::string_view key,
             std::string_view message) noexcept;

  // From now on; an empty module: all of them.
  void set_level(log_level level, std::string_view module);
  // Lines written so far, by level.
  std::array<std::uint64_t, 5> lines() const noexcept;
  // Sums up what is only counted so far. From then on every line is written, for there will be no timer to end a window.
  void finish() noexcept;

 private:
  struct state;
  std::shared_ptr<state> state_;  // timers hold it too
};

std::string_view to_string(log_level level) noexcept;

}  // namespace postbus::detail
