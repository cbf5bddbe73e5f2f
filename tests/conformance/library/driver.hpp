// driver: a plugin of the library on the fake host, with the settings that a bus would give it, and with what it wraps or keeps its state
// in: memory or memory-store, where they are on the path.
#pragma once

#include <postbus/conformance/library.hpp>
#include <postbus/testing/fake_host.hpp>

#include <functional>

namespace postbus::conformance {

// A copy of the settings as the fake host takes them. Skips the check where one of them is a list.
testing::settings settings_for(const library_under_test& library, const plugin_info& plugin);

// The faults that the host found become findings. What was left running is stopped in the end.
class driver : public testing::fake_host {
 public:
  // Skips the check where the plugin is a wrapper and there is nothing to wrap.
  driver(const library_under_test& library, const plugin_info& plugin, findings& to);
  ~driver();

  // Created and started, or else the check is over with why.
  void start_up();
  testing::answer create_only() { return create(module_, id_, own_); }
  void shut_down();
  // What a subscription begins with; where the transport has no flow control, no credit is counted, nor given.
  std::uint32_t first_credit(std::uint32_t n) const;
  void more_credit(void* subscription, std::uint32_t n);
  // Waits for it, in real time where the plugin has threads of its own.
  bool answered(const testing::answer& a);
  // How long it waits for what should come.
  std::chrono::nanoseconds patience() const noexcept { return patience_; }
  // The answer came and is OK, or a finding says that it did not.
  bool expect_ok(const testing::answer& a, const char* what);

 private:
  bool has_flow_control() const;
  void put_below(const char* interface, const char* id, const library_under_test& library,
                 const plugin_info& plugin);

  const postbus_module& module_;
  const std::string id_;
  const testing::settings own_;
  const std::chrono::nanoseconds patience_;
  findings& to_;
  std::unique_ptr<testing::fake_host>
      below_;  // created and started before it, stopped and destroyed after it
};

// Events on the topic "conformance:check", whose data are their numbers.
std::vector<testing::event> numbered_events(std::size_t n);
// Shows a feature so many events at each stage that it looks at.
void show(driver& d, std::size_t n);

bool provides(const plugin_info& plugin, std::string_view interface);
bool needs(const plugin_info& plugin, std::string_view interface);

// Does something with each plugin of the library, or with each that provides the interface; skips the check where there is none: `what`.
void for_each_plugin(const library_under_test& library, const std::function<void(const plugin_info&)>& f);
void for_each_plugin_with(std::string_view interface, const char* what, const library_under_test& library,
                          const std::function<void(const plugin_info&)>& f);
void for_each_transport(const library_under_test& library, const std::function<void(const plugin_info&)>& f);
void for_each_feature(const library_under_test& library, const std::function<void(const plugin_info&)>& f);

}  // namespace postbus::conformance
