// A plugin class of a test in a fake host, without a library around it.
#pragma once

#include "support/catch.hpp"

#include <postbus/testing/fake_host.hpp>

#include <postbus/sdk/plugin.hpp>

namespace postbus::testing {

template <class T>
struct module_of {
  static constexpr postbus_plugin_desc desc = sdk::describe<T>("it");
  static constexpr const postbus_plugin_desc* plugins[] = {&desc};
  static constexpr postbus_module module{
      POSTBUS_MAGIC, sizeof(postbus_module), POSTBUS_ABI_MAJOR, POSTBUS_ABI_MINOR, 0, 0, "{}", plugins, 1};
};

// Created and started.
template <class T>
class hosted : public fake_host {
 public:
  explicit hosted(settings given = {}) { go(std::move(given)); }
  hosted(manual_clock& shared, settings given) : fake_host(shared) { go(std::move(given)); }
  ~hosted() { finish(); }

  // The author's object.
  T& it() const { return sdk::detail::impl_of<T>(self()); }

 private:
  void go(settings given) {
    REQUIRE(create(module_of<T>::module, "it", std::move(given)));
    REQUIRE(start());
  }
};

}  // namespace postbus::testing
