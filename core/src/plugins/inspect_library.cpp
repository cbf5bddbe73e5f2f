// One library file, without running its code.
#include "elf_note.hpp"
#include "manifest.hpp"
#include "plugin_loader.hpp"
#include "trust.hpp"

#include <postbus/inspect.hpp>

#include <boost/json/serialize.hpp>

namespace postbus {

void check_library_trust(const std::filesystem::path& library) { detail::check_trust(library); }

std::string read_library_manifest(const std::filesystem::path& library) {
  return detail::read_manifest_note(library);
}

std::vector<plugin_info> plugins_of_manifest(std::string_view manifest, const std::string& file) {
  const detail::manifest read = detail::parse_manifest(manifest, file);
  std::vector<plugin_info> all;
  for (const detail::manifest_plugin& p : read.plugins)
    all.push_back({p.id, read.version, p.summary, file, p.provides, p.needs, p.methods,
                   detail::capability_names(p.can), false, p.shared, "", p.wraps});
  return all;
}

std::string plugin_settings(const config& configuration, std::string_view id) {
  const detail::prepared ready = detail::prepare_unloaded(configuration);
  const auto find = [&](const std::vector<detail::plugin_use>& uses) -> const detail::plugin_use* {
    for (const detail::plugin_use& use : uses)
      if (use.id == id && use.local == nullptr) return &use;
    return nullptr;
  };
  const detail::plugin_use* found = find(ready.transports);
  if (found == nullptr) found = find(ready.features);
  if (found == nullptr && ready.store && ready.store->id == id) found = &*ready.store;
  for (const detail::plugin_use& t : ready.transports)
    if (found == nullptr) found = find(t.wrappers);
  if (found == nullptr && ready.store) found = find(ready.store->wrappers);
  if (found != nullptr) return boost::json::serialize(found->config);
  throw error(error::bad_plugin, "no plugin '" + std::string(id) + "' in the configuration",
              "one that it uses", "name it as a transport, a feature, the store or a wrapper");
}

}  // namespace postbus
