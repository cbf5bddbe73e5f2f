#include "module_check.hpp"

#include <postbus/error.hpp>

#include <cstddef>
#include <utility>

namespace postbus::detail {
namespace {

// A later host may have longer tables; these are the sizes of the first version, which every library has at least.
constexpr std::size_t module_size_min = offsetof(postbus_module, plugin_count) + sizeof(std::size_t);
constexpr std::size_t description_size_min = offsetof(postbus_plugin_desc, create) + sizeof(void*);

[[noreturn]] void refuse(std::string found, std::string wanted, std::string remedy) {
  throw error(error::bad_plugin, std::move(found), std::move(wanted), std::move(remedy));
}

std::string hex(std::uint32_t value) {
  std::string text = "0x";
  for (int shift = 28; shift >= 0; shift -= 4) text += "0123456789abcdef"[(value >> shift) & 15];
  return text;
}

void check_description(const postbus_plugin_desc* description, const manifest& info) {
  if (!description || description->size < description_size_min || !description->id || !description->create) {
    refuse(info.file + ", which describes a plugin incompletely",
           "a postbus_plugin_desc of " + std::to_string(description_size_min) + " bytes with id and create",
           "build the plugin with the postbus SDK");
  }
}

}  // namespace

void check_module(const postbus_module& module, const std::string& file) {
  if (module.magic != POSTBUS_MAGIC)
    refuse(file + ", whose module begins with " + hex(module.magic), hex(POSTBUS_MAGIC),
           "build it with POSTBUS_PLUGINS, or set POSTBUS_MAGIC");
  if (module.abi_major != POSTBUS_ABI_MAJOR) {
    const std::string host = std::to_string(POSTBUS_ABI_MAJOR);
    refuse(file + ", built for contract " + std::to_string(module.abi_major),
           "contract " + host + ", which this host has",
           module.abi_major > POSTBUS_ABI_MAJOR ? "use a newer postbus, or an older build of the plugin"
                                                : "build the plugin again");
  }
  if (module.min_host_minor > POSTBUS_ABI_MINOR) {
    const std::string major = std::to_string(POSTBUS_ABI_MAJOR) + ".";
    refuse(file + ", which wants a host of contract " + major + std::to_string(module.min_host_minor) +
               " or newer",
           "at most " + major + std::to_string(POSTBUS_ABI_MINOR) + ", which this host has",
           "use a newer postbus");
  }
  if (module.size < module_size_min) {
    refuse(file + ", whose module is of " + std::to_string(module.size) + " bytes",
           "at least " + std::to_string(module_size_min), "build it with the postbus SDK");
  }
  if (!module.manifest || !module.plugins || module.plugin_count == 0)
    refuse(file + ", whose module has no manifest or no plugins", "both", "build it with POSTBUS_PLUGINS");
}

const postbus_plugin_desc* description_of(const postbus_module& module, const std::string& id) {
  for (std::size_t i = 0; i < module.plugin_count; ++i)
    if (module.plugins[i]->id == id) return module.plugins[i];
  return nullptr;
}

void check_plugins(const postbus_module& module, const manifest& info) {
  for (std::size_t i = 0; i < module.plugin_count; ++i) {
    check_description(module.plugins[i], info);
    const std::string id = module.plugins[i]->id;
    if (!info.find(id))
      refuse(info.file + ", which has a plugin '" + id + "'", "its entry in the manifest",
             "add it to plugin.json");
    if (description_of(module, id) != module.plugins[i])
      refuse(info.file + ", which describes '" + id + "' twice", "each id once", "remove one of them");
  }
  for (const manifest_plugin& plugin : info.plugins) {
    if (description_of(module, plugin.id)) continue;
    refuse(info.file + ", whose manifest has a plugin '" + plugin.id + "' that the module has not",
           "its description in the module", "add it to POSTBUS_PLUGINS, or remove it from plugin.json");
  }
}

}  // namespace postbus::detail
