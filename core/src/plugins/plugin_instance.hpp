// plugin_instance: one created plugin, and the host that it sees: log, state, services, events.
#pragma once

#include "engine/runtime.hpp"
#include "event/event_record.hpp"
#include "plugin_loader.hpp"

#include <postbus/plugin.h>

#include <memory>
#include <mutex>
#include <set>

namespace postbus::detail {

class engine;

class plugin_instance {
 public:
  // Creates it; throws error::bad_config with the plugin's own words when it refuses its settings.
  // `component`: what it is called in the bus's health. `label`: of its metrics, where it is one of several transports. `wrapped`: of
  // a wrapper, what it wraps; created before it, destroyed after it.
  plugin_instance(engine& owner, plugin_use use, std::string component, std::string label,
                  bool required = true, std::unique_ptr<plugin_instance> wrapped = nullptr);
  plugin_instance(const plugin_instance&) = delete;
  plugin_instance& operator=(const plugin_instance&) = delete;
  // Destroys it; stopped before.
  ~plugin_instance();

  // Throws error: bad_plugin when its table is not complete, unsupported when it cannot do with a manual clock.
  void check() const;
  // Waits for the plugin's answer; throws error::unavailable with its words.
  void start();
  // Cancels its timers, and waits. Also after a start that failed. When no call into the plugin runs or will.
  void stop() noexcept;

  const std::string& id() const noexcept { return use_.id; }
  const std::string& component() const noexcept { return component_; }
  const manifest_plugin& manifest() const noexcept { return *use_.manifest; }
  plugin_instance* wrapped() const noexcept { return wrapped_.get(); }
  // What carries or holds in the end: itself, if it wraps nothing.
  plugin_instance& innermost() noexcept { return wrapped_ != nullptr ? wrapped_->innermost() : *this; }
  // Its capabilities as the bus uses them, where it is a transport.
  std::uint32_t can() const noexcept { return use_.can; }
  const std::string& origin() const noexcept { return use_.origin; }
  void* self() const noexcept { return self_; }
  // The table of an interface, its size checked; nullptr where the plugin has none.
  template <class Table>
  const Table* interface(const char* id) const {
    return static_cast<const Table*>(checked_interface(id, sizeof(std::uint32_t)));
  }
  // Reads settings for the plugin's postbus.settings/1.
  const json::value* setting(std::string_view dotted_name) const;

 private:
  friend struct host_tables;
  bool is_complete() const noexcept;
  const void* checked_interface(const char* id, std::size_t least) const;

  engine& engine_;
  plugin_use use_;
  const std::string component_, label_;
  const std::unique_ptr<plugin_instance> wrapped_;
  postbus_host host_;
  const postbus_plugin* table_ = nullptr;
  void* self_ = nullptr;
  std::mutex timers_mutex_;
  std::set<struct plugin_timer*> timers_;
  bool stopping_ = false;
};

}  // namespace postbus::detail
