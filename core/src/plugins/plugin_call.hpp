// plugin_call: one question to a plugin's postbus.control/1, and its answer, which may come after everybody stopped waiting for it.
#pragma once

#include "engine/waiter.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace postbus::detail {

class plugin_instance;

struct plugin_call {
  waiter done;
  std::string text, message;  // of the answer, of the failure
  std::int32_t status = POSTBUS_OK;
  std::int64_t asked_ns = 0, answered_ns = 0;

  // Inside a passage. Throws error::bad_plugin when it gives no postbus.control/1.
  static std::shared_ptr<plugin_call> begin(const plugin_instance& plugin, runtime& rt,
                                            std::string_view method, std::string_view json);
};

}  // namespace postbus::detail
