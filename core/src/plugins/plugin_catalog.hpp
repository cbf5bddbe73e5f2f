// Which plugins there are, and in which library each of them lies. Reads manifests only: no code of a library runs.
#pragma once

#include "config/settings.hpp"
#include "manifest.hpp"

#include <postbus/plugin.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace postbus::detail {

// A library and what its manifest says.
struct plugin_library {
  std::filesystem::path file;  // empty for a linked module
  const postbus_module* linked = nullptr;
  manifest info;
};

struct found_plugin {
  std::shared_ptr<const plugin_library> library;
  const manifest_plugin* plugin = nullptr;  // in library->info
};

// What a plugin is wanted for.
enum class plugin_role { transport, feature, store, transport_wrapper, store_wrapper };

// Where plugins are looked for, the first first: $POSTBUS_PLUGIN_PATH (not in a program with elevated privileges), what is configured,
// ../plugins and plugins beside the program, the folder that postbus was installed with. Each folder once.
std::vector<std::filesystem::path> plugin_folders(const std::vector<std::filesystem::path>& configured);

class plugin_catalog {
 public:
  // Throws error::bad_plugin for a linked module that is none. The folders are read when a plugin is looked for that is not linked.
  plugin_catalog(std::vector<std::filesystem::path> folders,
                 const std::vector<const postbus_module*>& linked);

  // The plugin with this id; with a '/' in the name, the one of that file that can do what it is wanted for. Throws
  // error::bad_plugin when there is none, or more than one; error::bad_config when it is no plugin of that kind.
  found_plugin find(const plugin_name& wanted, plugin_role role);

  // The same whatever it can be used for; of a file, every plugin in it. Throws error::bad_plugin.
  std::vector<found_plugin> find_all(const plugin_name& wanted);

  // Every library on the path, those linked first, and the others that were passed over.
  std::vector<std::shared_ptr<const plugin_library>> libraries();
  struct unusable {
    std::filesystem::path file;
    std::string why;  // a sentence
  };
  const std::vector<unusable>& passed_over() const noexcept { return passed_over_; }

  // The ids of plugins that provide an interface, or whose id it is.
  std::vector<std::string> providers_of(std::string_view what);

 private:
  struct entry {
    std::size_t folder;  // index of the folder; linked modules are in one before the first
    std::shared_ptr<const plugin_library> library;
  };

  void read_folders();
  void read_folder(std::size_t index);
  found_plugin find_id(const plugin_name& wanted);
  found_plugin find_in_file(const plugin_name& wanted, plugin_role role);
  void refuse_namesakes(const entry& first, const std::string& id) const;
  [[noreturn]] void refuse_missing(const plugin_name& wanted) const;
  std::vector<std::string> known_ids() const;

  std::vector<std::filesystem::path> folders_;
  std::vector<entry> entries_;  // in the order of the path
  std::vector<unusable> passed_over_;
  bool read_ = false;
};

}  // namespace postbus::detail
