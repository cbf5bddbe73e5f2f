// A configuration that needs no library beside the one under test.
#include "tables.hpp"

#include <postbus/plugin.h>

namespace postbus::conformance {
namespace {

std::int32_t refuse(const postbus_host*, postbus_str, const postbus_plugin**, void**, postbus_error* err) {
  return err->code = POSTBUS_E_UNSUPPORTED;
}
constexpr postbus_plugin_desc nothing{sizeof(postbus_plugin_desc), 0, "nothing", refuse};
constexpr postbus_plugin_desc no_store{sizeof(postbus_plugin_desc), 0, "no-store", refuse};
constexpr const postbus_plugin_desc *transports[] = {&nothing}, *stores[] = {&no_store};

constexpr postbus_module module_of(const char* manifest, const postbus_plugin_desc* const* plugins) {
  return {POSTBUS_MAGIC,
          sizeof(postbus_module),
          POSTBUS_ABI_MAJOR,
          POSTBUS_ABI_MINOR,
          0,
          0,
          manifest,
          plugins,
          1};
}
constexpr postbus_module module = module_of(
    R"({"id": "nothing", "version": "1.0.0", "abi": 1, "provides": ["postbus.transport/1"]})", transports);
constexpr postbus_module module_with_store =
    module_of(R"({"id": "no-store", "version": "1.0.0", "abi": 1, "provides": ["postbus.store/1"]})", stores);

}  // namespace

config bare_config() { return config().module(module).transport("nothing").set("log.level", "off"); }

config with_some_store(config c) { return c.module(module_with_store).set("store.plugin", "no-store"); }

}  // namespace postbus::conformance
