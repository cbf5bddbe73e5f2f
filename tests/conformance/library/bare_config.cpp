// A configuration that needs no library beside the one under test.
#include <postbus/conformance/library.hpp>
#include <postbus/plugin.h>

namespace postbus::conformance {
namespace {

constexpr const char* manifest =
    R"({"id": "nothing", "version": "1.0.0", "abi": 1, "provides": ["postbus.transport/1"]})";

constexpr postbus_plugin_desc nothing{
    sizeof(postbus_plugin_desc), 0, "nothing",
    [](const postbus_host*, postbus_str, const postbus_plugin**, void**, postbus_error* err) -> std::int32_t {
      return err->code = POSTBUS_E_UNSUPPORTED;
    }};
constexpr const postbus_plugin_desc* plugins[] = {&nothing};
constexpr postbus_module module{
    POSTBUS_MAGIC, sizeof(postbus_module), POSTBUS_ABI_MAJOR, POSTBUS_ABI_MINOR, 0, 0, manifest, plugins, 1};

}  // namespace

config bare_config() { return config().module(module).transport("nothing").set("log.level", "off"); }

}  // namespace postbus::conformance
