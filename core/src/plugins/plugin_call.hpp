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

  // Throws error::bad_plugin when it gives no postbus.control/1.
  static std::shared_ptr<plugin_call> make(const plugin_instance& plugin, runtime& rt);
  // Once; returns when the plugin does, which may be before its answer or after. Answers no_memory itself where there is none.
  void ask(const plugin_instance& plugin, std::string_view method, std::string_view json) noexcept;

 private:
  std::weak_ptr<plugin_call> self_;
  runtime* rt_ = nullptr;
};

}  // namespace postbus::detail
