#include "library_loader.hpp"

#include "module_check.hpp"
#include "trust.hpp"

#include <postbus/error.hpp>

#include <boost/dll/shared_library.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace postbus::detail {
namespace {

// Everything that was ever loaded. Never destroyed: plugins may be used until the very end of the program.
struct registry {
  std::mutex mutex;
  std::vector<std::unique_ptr<boost::dll::shared_library>> libraries;
  std::map<const postbus_module*, std::unique_ptr<const manifest>> modules;  // those that passed the checks
};

registry& all() {
  static registry& instance = *new registry;
  return instance;
}

// With RTLD_NOW a symbol that is missing is an error here and not a crash in a handler; with RTLD_LOCAL two plugins may contain
// different versions of the same library.
std::unique_ptr<boost::dll::shared_library> open_library(const std::filesystem::path& file) {
  using boost::dll::load_mode::rtld_local;
  using boost::dll::load_mode::rtld_now;
  try {
    return std::make_unique<boost::dll::shared_library>(file, rtld_local | rtld_now);
  } catch (const std::exception& e) {
    throw error(error::bad_plugin, file.string() + ", which cannot be loaded: " + e.what(),
                "a library whose own libraries and symbols are all there",
                "see what is missing with: ldd -r " + file.string());
  }
}

const postbus_module& module_of(const boost::dll::shared_library& library, const std::string& file) {
  constexpr const char* name = "postbus_module_v1";
  if (!library.has(name))
    throw error(error::bad_plugin, file + ", which has a manifest but exports no " + name, "that symbol",
                "end the source with POSTBUS_PLUGINS(…)");
  return library.get<const postbus_module>(name);
}

const postbus_module& open_module(const plugin_library& library) {
  if (library.linked) return *library.linked;
  check_trust(library.file);
  auto opened = open_library(std::filesystem::absolute(library.file));
  // Kept also when it is refused below: its constructors ran.
  all().libraries.push_back(std::move(opened));
  const postbus_module& module = module_of(*all().libraries.back(), library.info.file);
  check_module(module, library.info.file);
  return module;
}

}  // namespace

loaded_plugin load_plugin(const found_plugin& found) {
  const std::lock_guard lock(all().mutex);
  const postbus_module& module = open_module(*found.library);
  const manifest& read = found.library->info;
  auto& checked = all().modules[&module];
  if (module.manifest != read.text) {
    throw error(error::bad_plugin, read.file + ", whose module has another manifest than its note",
                "the same text in both",
                "build the library again; if it was replaced while the program ran, start the program again");
  }
  if (!checked) {
    check_plugins(module, read);
    checked = std::make_unique<const manifest>(read);
  }
  return {checked->find(found.plugin->id), description_of(module, found.plugin->id)};
}

}  // namespace postbus::detail
