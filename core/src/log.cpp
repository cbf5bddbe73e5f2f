#include "log.hpp"

#include <postbus/plugin.h>

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace postbus::detail {
namespace {

spdlog::level::level_enum to_spdlog(std::int32_t level) noexcept {
  switch (level) {
    case POSTBUS_LOG_TRACE:
      return spdlog::level::trace;
    case POSTBUS_LOG_DEBUG:
      return spdlog::level::debug;
    case POSTBUS_LOG_INFO:
      return spdlog::level::info;
    case POSTBUS_LOG_WARN:
      return spdlog::level::warn;
    case POSTBUS_LOG_ERROR:
      return spdlog::level::err;
    default:
      return spdlog::level::off;
  }
}

}  // namespace

struct log_service::sink {
  spdlog::logger logger;
};

log_service::log_service(std::string_view bus_name, std::int32_t level)
    : sink_(new sink{{std::string(bus_name), std::make_shared<spdlog::sinks::stderr_color_sink_mt>()}}) {
  sink_->logger.set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %n %v");
  sink_->logger.set_level(to_spdlog(level));
}

log_service::~log_service() = default;

bool log_service::enabled(std::int32_t level) const noexcept {
  return sink_->logger.should_log(to_spdlog(level));
}

void log_service::write(std::int32_t level, std::string_view module, std::string_view message) noexcept {
  sink_->logger.log(to_spdlog(level), "[{}] {}", module, message);
}

}  // namespace postbus::detail
