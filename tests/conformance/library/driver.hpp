// driver: a plugin of the library on the fake host, with the settings that a bus would give it.
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
  driver(const library_under_test& library, const plugin_info& plugin, findings& to);
  ~driver();

  // Created and started, or else the check is over with why.
  void start_up();
  void shut_down();
  // Waits for it, in real time where the plugin has threads of its own.
  bool answered(const testing::answer& a);
  // How long it waits for what should come.
  std::chrono::nanoseconds patience() const noexcept { return patience_; }
  // The answer came and is OK, or a finding says that it did not.
  bool expect_ok(const testing::answer& a, const char* what);

 private:
  const postbus_module& module_;
  const std::string id_;
  const testing::settings own_;
  const std::chrono::nanoseconds patience_;
  findings& to_;
};

// Does something with each plugin of the library that is, or provides, what the check is about.
void for_each_transport(const library_under_test& library, const std::function<void(const plugin_info&)>& f);
void for_each_plugin(const library_under_test& library, const std::function<void(const plugin_info&)>& f);

}  // namespace postbus::conformance
