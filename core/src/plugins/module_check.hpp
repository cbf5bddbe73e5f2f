// The module of a library, before any of its code is called: is it one, was it built for this host, is it what its manifest says.
#pragma once

#include "manifest.hpp"

#include <postbus/plugin.h>

#include <string>

namespace postbus::detail {

// Magic, contract and sizes. `file` names the library in the message. Throws error::bad_plugin.
void check_module(const postbus_module& module, const std::string& file);

// Each plugin of the manifest has a description and the reverse. The module passed check_module. Throws error::bad_plugin.
void check_plugins(const postbus_module& module, const manifest& info);

// The description of one plugin; null when the module has none. The module passed both.
const postbus_plugin_desc* description_of(const postbus_module& module, const std::string& id);

}  // namespace postbus::detail
