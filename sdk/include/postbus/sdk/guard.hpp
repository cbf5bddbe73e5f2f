// guarded: the one place where a plugin's exceptions end.
#pragma once

#include <postbus/sdk/abi.hpp>

#include <new>

namespace postbus::sdk::detail {

// Runs f(); an exception becomes on_error(code, message).
template <class F, class OnError>
void guarded(F&& f, OnError&& on_error) noexcept {
  try {
    f();
  } catch (const failure& e) {
    on_error(e.code() < 0 ? e.code() : POSTBUS_E_FAIL, e.what());
  } catch (const std::bad_alloc&) {
    on_error(std::int32_t{POSTBUS_E_NOMEM}, "no memory");
  } catch (const std::exception& e) {
    on_error(std::int32_t{POSTBUS_E_FAIL}, e.what());
  } catch (...) {
    on_error(std::int32_t{POSTBUS_E_FAIL}, "the plugin threw something that is no std::exception");
  }
}

}  // namespace postbus::sdk::detail
