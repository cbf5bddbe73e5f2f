// load_module: a library of plugins, loaded at run time as the host does it. Never unloaded.
#pragma once

#include <postbus/plugin.h>

#include <dlfcn.h>

#include <filesystem>
#include <stdexcept>

namespace postbus::testing {

// Throws std::runtime_error: it cannot be loaded, or exports no postbus_module_v1.
inline const postbus_module& load_module(const std::filesystem::path& file) {
  void* library = ::dlopen(std::filesystem::absolute(file).c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) throw std::runtime_error(::dlerror());
  const void* module = ::dlsym(library, "postbus_module_v1");
  if (module == nullptr) throw std::runtime_error(file.string() + " exports no postbus_module_v1");
  return *static_cast<const postbus_module*>(module);
}

}  // namespace postbus::testing
