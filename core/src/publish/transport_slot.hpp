// transport_slot: one transport as the bus uses it.
#pragma once

#include "event/codec.hpp"
#include "publish_queue.hpp"

#include <postbus/plugin.h>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace postbus::detail {

class plugin_instance;
struct transport_settings;

inline constexpr std::array<std::string_view, 3> notice_names{"gap", "lost", "ended"};

// Throws error::bad_plugin for a transport, or a wrapper of one, whose table cannot be used.
void check_transport(const plugin_instance& plugin);

struct transport_slot {
  // `instance` passed check_transport(); of a transport with wrappers it is the outermost.
  transport_slot(engine& owner, std::unique_ptr<plugin_instance> instance,
                 const transport_settings& settings);
  ~transport_slot();

  const std::string name;  // in the configuration: "default" …
  const std::string path;  // of its table
  const wire_format format;
  std::unique_ptr<plugin_instance> plugin;
  const postbus_transport* table = nullptr;
  void* self = nullptr;
  std::uint32_t can = 0, needs = 0;
  std::uint64_t data_max = 0;
  bool inline_dispatch = false;
  bool answers_at_once = false;  // and wants no wire: a publish ends on the stack it began on
  bool buffers = false;          // while it is unavailable, publishes wait
  publish_queue waiting;
  std::array<std::atomic<std::uint64_t>, notice_names.size()> notices{};  // by kind
  std::atomic<std::uint64_t> missed{0};                                   // events that notices told of
  std::recursive_mutex control;  // [control] functions one at a time; their dones may call the next
};

}  // namespace postbus::detail
