#include "log.hpp"

#include "config/settings.hpp"
#include "engine/runtime.hpp"
#include "text/json.hpp"

#include <postbus/plugin.h>

#include <postbus/sdk/text.hpp>

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <time.h>

#include <algorithm>

namespace postbus::detail {
namespace {

using time_point = std::chrono::system_clock::time_point;

constexpr std::array<spdlog::level::level_enum, 6> spdlog_levels{spdlog::level::trace, spdlog::level::debug,
                                                                 spdlog::level::info,  spdlog::level::warn,
                                                                 spdlog::level::err,   spdlog::level::off};

// As RFC 3339 has it, in UTC.
std::string to_text(time_point time) {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
  const auto seconds = static_cast<time_t>(ms / 1000);
  tm parts{};
  ::gmtime_r(&seconds, &parts);
  char date[40], text[48];
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text, sizeof text, "%s.%03dZ", date, static_cast<int>(ms % 1000));
  return text;
}

std::string to_json(const log_line& line) {
  return json::serialize(json::object{{"time", to_text(line.time)},
                                      {"level", to_string(line.level)},
                                      {"bus", sdk::valid_utf8(line.bus)},
                                      {"module", sdk::valid_utf8(line.module)},
                                      {"message", sdk::valid_utf8(line.message)}});
}

}  // namespace

std::string_view to_string(log_level level) noexcept {
  static constexpr std::string_view names[] = {"trace", "debug", "info", "warn", "error", "off"};
  return names[static_cast<std::size_t>(level)];
}

struct log_service::state : std::enable_shared_from_this<state> {
  state(std::string_view name, const log_settings& settings, log_sink to, runtime& r)
      : bus(name),
        json(settings.json),
        sink(std::move(to)),
        rt(r),
        levels(settings.level),
        // Colours only where it is a terminal.
        logger(bus, std::make_shared<spdlog::sinks::stderr_color_sink_mt>(spdlog::color_mode::automatic)) {
    for (const auto& [module, level] : settings.modules) levels.set(level, module);
    logger.set_level(spdlog::level::trace);
    if (json) logger.set_pattern("%v");
    else logger.set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %^%l%$ %n %v", spdlog::pattern_time_type::utc);
  }

  void say(std::int32_t level, std::string_view module, std::string_view message) noexcept {
    try {
      lines[static_cast<std::size_t>(level)].fetch_add(1, std::memory_order_relaxed);
      const time_point time{
          std::chrono::duration_cast<time_point::duration>(std::chrono::nanoseconds(rt.wall_ns()))};
      const log_line line{time, static_cast<log_level>(level), bus, module, message};
      const auto spdlog_level = spdlog_levels[static_cast<std::size_t>(level)];
      const std::string whole = sink   ? sdk::one_line(message)
                                : json ? to_json(line)
                                       : "[" + std::string(module) + "] " + sdk::one_line(message);
      const std::lock_guard lock(speaking);
      if (!sink) return logger.log(time, {}, spdlog_level, whole);
      sink({time, line.level, bus, module, whole});
    } catch (...) {
      // Of the application's sink, or no memory: a log that cannot be written is nobody's failure.
    }
  }
  void say(const std::vector<log_bursts::line>& all) noexcept {
    for (const auto& l : all) say(l.level, l.module, l.message);
  }

  // With the lock held: a timer for the first window that will have something to sum up.
  void arm() {
    const std::int64_t next = bursts.next_end_ns();
    if (next >= armed_ns) return;
    armed_ns = next;
    rt.timer(std::max<std::int64_t>(0, next - rt.now_ns()),
             {&window_ends, new std::shared_ptr<state>(shared_from_this())});
  }
  static void window_ends(void* ctx, std::int32_t, const void*, const postbus_error*) {
    const std::unique_ptr<std::shared_ptr<state>> held(static_cast<std::shared_ptr<state>*>(ctx));
    state& self = **held;
    std::vector<log_bursts::line> sums;
    {
      const std::lock_guard lock(self.mutex);
      if (self.finished) return;  // and the runtime may be gone
      self.armed_ns = INT64_MAX;
      self.bursts.end(self.rt.now_ns(), sums);
      self.arm();
    }
    self.say(sums);
  }

  const std::string bus;
  const bool json;
  const log_sink sink;
  runtime& rt;
  log_levels levels;
  std::array<std::atomic<std::uint64_t>, 5> lines{};
  std::mutex speaking;
  spdlog::logger logger;

  std::mutex mutex;  // of what follows
  log_bursts bursts;
  std::int64_t armed_ns = INT64_MAX;
  bool finished = false;
};

log_service::log_service(std::string_view bus_name, const log_settings& settings, log_sink sink, runtime& rt)
    : state_(std::make_shared<state>(bus_name, settings, std::move(sink), rt)) {}

log_service::~log_service() { finish(); }

bool log_service::enabled(std::int32_t level, std::string_view module) const noexcept {
  return state_->levels.enabled(level, module);
}

void log_service::write(std::int32_t level, std::string_view module, std::string_view message) noexcept {
  if (enabled(level, module)) state_->say(level, module, message);
}

void log_service::burst(std::int32_t level, std::string_view module, std::string_view key,
                        std::string_view message) noexcept {
  if (!enabled(level, module)) return;
  try {
    std::vector<log_bursts::line> sums;
    bool first = true;
    {
      const std::lock_guard lock(state_->mutex);
      if (!state_->finished) {
        first = state_->bursts.admit(state_->rt.now_ns(), level, module, key, message, sums);
        state_->arm();
      }
    }
    state_->say(sums);
    if (first) state_->say(level, module, message);
  } catch (const std::bad_alloc&) {
    state_->say(level, module, message);
  }
}

void log_service::set_level(log_level level, std::string_view module) {
  if (module.empty()) state_->levels.set(static_cast<int>(level));
  else state_->levels.set(static_cast<int>(level), module);
}

std::array<std::uint64_t, 5> log_service::lines() const noexcept {
  std::array<std::uint64_t, 5> counts{};
  for (std::size_t i = 0; i < counts.size(); ++i)
    counts[i] = state_->lines[i].load(std::memory_order_relaxed);
  return counts;
}

void log_service::finish() noexcept {
  std::vector<log_bursts::line> sums;
  {
    const std::lock_guard lock(state_->mutex);
    if (std::exchange(state_->finished, true)) return;
    try {
      state_->bursts.end_all(state_->rt.now_ns(), sums);
    } catch (const std::bad_alloc&) {
    }
  }
  state_->say(sums);
}

}  // namespace postbus::detail
