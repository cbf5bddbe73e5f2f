#include "plugin_catalog.hpp"

#include "elf_note.hpp"
#include "module_check.hpp"
#include "text/key_path.hpp"
#include "trust.hpp"

#include <postbus/error.hpp>

#include <postbus/sdk/names.hpp>

#include <algorithm>
#include <cstdlib>
#include <system_error>
#include <utility>

namespace postbus::detail {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t linked_folder = static_cast<std::size_t>(-1);

std::vector<fs::path> split_at_colons(std::string_view text) {
  std::vector<fs::path> parts;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(':'));
    if (!part.empty()) parts.emplace_back(part);
    text.remove_prefix(std::min(text.size(), part.size() + 1));
  }
  return parts;
}

// What a role asks of a plugin, and the setting that gives it the role.
struct role_words {
  const char *interface, *setting;
};

role_words words_of(plugin_role role) {
  switch (role) {
    case plugin_role::transport:
      return {"postbus.transport/1", "transport.plugin"};
    case plugin_role::store:
      return {"postbus.store/1", "store.plugin"};
    case plugin_role::transport_wrapper:
      return {"postbus.transport/1 and wraps one", "a wrapper of a transport"};
    case plugin_role::store_wrapper:
      return {"postbus.store/1 and wraps one", "a wrapper of a store"};
    default:
      return {"postbus.interceptor/1 or postbus.control/1", "bus.features"};
  }
}

bool can_be(const manifest_plugin& plugin, plugin_role role) {
  switch (role) {
    case plugin_role::transport:
      return plugin.is_transport();
    case plugin_role::store:
      return plugin.is_store();
    case plugin_role::transport_wrapper:
      return plugin.wraps == "transport";
    case plugin_role::store_wrapper:
      return plugin.wraps == "store";
    default:
      return plugin.is_feature();
  }
}

// The setting that a plugin belongs into.
const char* remedy_for(const manifest_plugin& plugin) {
  return plugin.wraps == "store"       ? "list it in store.wrappers"
         : plugin.wraps == "transport" ? "list it in transport.wrappers"
         : plugin.is_transport()       ? "give it as transport.plugin"
         : plugin.is_store()           ? "give it as store.plugin"
         : plugin.is_feature()         ? "list it in bus.features"
                                       : "give another plugin";
}

// What an untrusted file says about itself is not even read.
std::shared_ptr<const plugin_library> read_library(const fs::path& file) {
  check_trust(file);
  return std::make_shared<plugin_library>(
      plugin_library{file, nullptr, parse_manifest(read_manifest_note(file), file.string())});
}

std::vector<fs::path> libraries_in(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code ec;
  for (fs::directory_iterator i(folder, ec), end; !ec && i != end; i.increment(ec)) {
    std::error_code unknown;  // a link that leads nowhere is no regular file
    if (i->path().extension() == ".so" && i->is_regular_file(unknown)) files.push_back(i->path());
  }
  // Directories have no order of their own, and messages should not change from run to run.
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> ids_of(const std::vector<manifest_plugin>& plugins) {
  std::vector<std::string> ids(plugins.size());
  std::transform(plugins.begin(), plugins.end(), ids.begin(), [](const manifest_plugin& p) { return p.id; });
  return ids;
}

}  // namespace

std::vector<fs::path> plugin_folders(const std::vector<fs::path>& configured) {
  std::vector<fs::path> wanted, folders;
  if (const char* variable = secure_getenv("POSTBUS_PLUGIN_PATH")) wanted = split_at_colons(variable);
  wanted.insert(wanted.end(), configured.begin(), configured.end());
  std::error_code ec;
  if (const fs::path program = fs::read_symlink("/proc/self/exe", ec); !ec) {
    wanted.push_back(program.parent_path().parent_path() / "plugins");
    wanted.push_back(program.parent_path() / "plugins");
    wanted.push_back(program.parent_path().parent_path() / POSTBUS_PLUGIN_DIR);  // installed, wherever that is
  }
  wanted.push_back(fs::path(POSTBUS_PREFIX) / POSTBUS_PLUGIN_DIR);
  for (const fs::path& folder : wanted) {
    fs::path full = fs::weakly_canonical(folder, ec);
    if (ec) full = folder;
    if (std::find(folders.begin(), folders.end(), full) == folders.end()) folders.push_back(std::move(full));
  }
  return folders;
}

plugin_catalog::plugin_catalog(std::vector<fs::path> folders,
                               const std::vector<const postbus_module*>& linked)
    : folders_(std::move(folders)) {
  for (const postbus_module* module : linked) {
    const std::string name = "a linked module";
    check_module(*module, name);
    entries_.push_back({linked_folder, std::make_shared<plugin_library>(plugin_library{
                                           {}, module, parse_manifest(module->manifest, name)})});
  }
}

void plugin_catalog::read_folder(std::size_t index) {
  for (const fs::path& file : libraries_in(folders_[index])) {
    try {
      entries_.push_back({index, read_library(file)});
    } catch (const error& e) {
      passed_over_.push_back({file, e.what()});
    }
  }
}

void plugin_catalog::read_folders() {
  if (std::exchange(read_, true)) return;
  for (std::size_t i = 0; i < folders_.size(); ++i) read_folder(i);
}

std::vector<std::string> plugin_catalog::known_ids() const {
  std::vector<std::string> ids;
  for (const entry& e : entries_)
    for (const manifest_plugin& plugin : e.library->info.plugins) ids.push_back(plugin.id);
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

std::vector<std::string> plugin_catalog::providers_of(std::string_view what) {
  read_folders();
  std::vector<std::string> ids;
  for (const entry& e : entries_)
    for (const manifest_plugin& plugin : e.library->info.plugins)
      if (plugin.id == what || (plugin.does_provide(what) && !plugin.is_wrapper())) ids.push_back(plugin.id);
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

// Two libraries of one folder with the same plugin: which one is meant, nobody can say. Two names of one file are one library.
void plugin_catalog::refuse_namesakes(const entry& first, const std::string& id) const {
  for (const entry& other : entries_) {
    std::error_code ec;
    const bool same =
        other.library == first.library || fs::equivalent(other.library->file, first.library->file, ec);
    if (same || other.folder != first.folder || !other.library->info.find(id)) continue;
    throw error(error::bad_plugin,
                "plugin '" + id + "' in " + first.library->info.file + " and in " + other.library->info.file,
                "one library with it", "remove one of the two, or give the file instead of the id");
  }
}

void plugin_catalog::refuse_missing(const plugin_name& wanted) const {
  const std::vector<std::string> known = known_ids();
  std::string found = "no plugin '" + wanted.name + "'" + place(wanted.origin), remedy;
  for (const fs::path& folder : folders_) {
    std::error_code ec;
    found.append(&folder == &folders_.front() ? " in " : ", ").append(folder.string());
    if (!fs::is_directory(folder, ec)) found += " (no such folder)";
  }
  remedy = sdk::did_you_mean(wanted.name, known,
                             "put its library into one of the folders, or give its file (with a '/')");
  for (const unusable& file : passed_over_) remedy += "; passed over: " + file.why;
  throw error(error::bad_plugin, std::move(found),
              known.empty() ? "a plugin; there is none" : "one of " + sdk::list_of(known), std::move(remedy));
}

found_plugin plugin_catalog::find_id(const plugin_name& wanted) {
  const auto has_it = [&](const entry& e) { return e.library->info.find(wanted.name) != nullptr; };
  auto at = std::find_if(entries_.begin(), entries_.end(), has_it);
  if (at == entries_.end()) {
    read_folders();
    at = std::find_if(entries_.begin(), entries_.end(), has_it);
  }
  if (at == entries_.end()) refuse_missing(wanted);
  refuse_namesakes(*at, wanted.name);
  return {at->library, at->library->info.find(wanted.name)};
}

found_plugin plugin_catalog::find_in_file(const plugin_name& wanted, plugin_role role) {
  const auto library = read_library(wanted.name);
  found_plugin found{library, nullptr};
  for (const manifest_plugin& plugin : library->info.plugins) {
    if (!can_be(plugin, role)) continue;
    if (found.plugin) {
      throw error(error::bad_plugin,
                  wanted.name + place(wanted.origin) +
                      ", which has more than one: " + sdk::list_of(ids_of(library->info.plugins)),
                  "a file with one plugin of this kind", "put its folder on bus.plugin_path and give the id");
    }
    found.plugin = &plugin;
  }
  if (!found.plugin) found.plugin = &library->info.plugins.front();  // for the message
  return found;
}

found_plugin plugin_catalog::find(const plugin_name& wanted, plugin_role role) {
  const bool is_file = wanted.name.find('/') != std::string::npos;
  found_plugin found = is_file ? find_in_file(wanted, role) : find_id(wanted);
  if (can_be(*found.plugin, role)) return found;
  throw error(error::bad_config,
              "'" + wanted.name + "' as " + words_of(role).setting + place(wanted.origin) + ", which " +
                  (found.plugin->is_wrapper() ? "wraps a " + found.plugin->wraps
                                              : "provides " + sdk::list_of(found.plugin->provides)),
              std::string("a plugin that provides ") + words_of(role).interface, remedy_for(*found.plugin));
}

std::vector<found_plugin> plugin_catalog::find_all(const plugin_name& wanted) {
  if (wanted.name.find('/') == std::string::npos) return {find_id(wanted)};
  std::vector<found_plugin> all;
  const auto library = read_library(wanted.name);
  for (const manifest_plugin& plugin : library->info.plugins) all.push_back({library, &plugin});
  return all;
}

std::vector<std::shared_ptr<const plugin_library>> plugin_catalog::libraries() {
  read_folders();
  std::vector<std::shared_ptr<const plugin_library>> all;
  for (const entry& e : entries_) all.push_back(e.library);
  return all;
}

}  // namespace postbus::detail
