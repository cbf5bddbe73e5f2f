// instance: one created plugin: the author's object, its context, and the count of what it owes.
#pragma once

#include <postbus/sdk/context.hpp>

namespace postbus::sdk::detail {

// Runs f(done); an exception answers what is still open of `done`.
template <class Completion, class F>
void guarded_call(Completion done, F&& f) noexcept {
  guarded([&] { f(done); }, [&](std::int32_t code, std::string_view what) { done.fail(code, what); });
}

template <class T>
struct instance {
  instance(const postbus_host* host, std::string_view config) : ctx(host, owed, config), impl(ctx) {}

  in_flight owed;
  context ctx;
  T impl;
};

template <class T>
instance<T>& instance_of(void* self) noexcept {
  return *static_cast<instance<T>*>(self);
}
template <class T>
T& impl_of(void* self) noexcept {
  return instance_of<T>(self).impl;
}
template <class T>
context& context_of(void* self) noexcept {
  return instance_of<T>(self).ctx;
}

template <class T>
constexpr std::uint32_t needs_of() {
  if constexpr (requires { T::needs; }) return T::needs;
  else return 0;
}

}  // namespace postbus::sdk::detail
