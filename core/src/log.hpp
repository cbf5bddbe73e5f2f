// log_service: the log of one bus. spdlog stands behind it and nowhere else.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

namespace postbus::detail {

class log_service {
 public:
  // Writes lines from `level` (POSTBUS_LOG_…) on to standard error; one more than POSTBUS_LOG_ERROR: nothing.
  log_service(std::string_view bus_name, std::int32_t level);
  ~log_service();

  // POSTBUS_LOG_…
  bool enabled(std::int32_t level) const noexcept;
  // `module`: "bus", or a plugin's id.
  void write(std::int32_t level, std::string_view module, std::string_view message) noexcept;

 private:
  struct sink;
  std::unique_ptr<sink> sink_;
};

}  // namespace postbus::detail
