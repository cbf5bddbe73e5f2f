// Libraries of plugins, loaded. The only room for Boost.DLL.
#pragma once

#include "plugin_catalog.hpp"

#include <postbus/plugin.h>

namespace postbus::detail {

// Both valid for ever: no library is unloaded, since handlers of exiting threads and functions registered with atexit may lie in it.
struct loaded_plugin {
  const manifest_plugin* manifest = nullptr;
  const postbus_plugin_desc* desc = nullptr;
};

// Loads the library, which runs its constructors, and checks its module against this host and against the manifest that was read.
// Throws error::bad_plugin. Any thread. A library that is loaded already is the same one.
loaded_plugin load_plugin(const found_plugin& found);

}  // namespace postbus::detail
