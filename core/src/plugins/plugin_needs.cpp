#include "plugin_needs.hpp"

#include <postbus/error.hpp>

#include <postbus/sdk/names.hpp>

#include <algorithm>
#include <string_view>

namespace postbus::detail {
namespace {

bool is_host_service(std::string_view name) {
  constexpr std::string_view services[] = {"postbus.runtime/1", "postbus.settings/1", "postbus.metrics/1",
                                           "postbus.publish/1", "postbus.inflight/1", "postbus.flow/1"};
  return std::find(std::begin(services), std::end(services), name) != std::end(services);
}

bool is_met(std::string_view need, const std::vector<found_plugin>& used) {
  if (is_host_service(need)) return true;
  return std::any_of(used.begin(), used.end(), [&](const found_plugin& f) {
    return f.plugin->id == need || f.plugin->does_provide(need);
  });
}

[[noreturn]] void refuse(const found_plugin& who, const std::string& need, plugin_catalog& catalog) {
  const std::vector<std::string> providers = catalog.providers_of(need);
  const bool is_interface = need.find('/') != std::string::npos;
  throw error(error::bad_plugin,
              "plugin '" + who.plugin->id + "' (" + who.library->info.file + "), which requires " + need,
              is_interface ? "a configured plugin that provides it" : "that plugin, configured",
              providers.empty()
                  ? "no plugin on the path has it: install one, or leave '" + who.plugin->id + "' out"
                  : "add to the configuration: " + sdk::list_of(providers));
}

[[noreturn]] void refuse_order(const std::string& gate, const std::string& claim) {
  throw error(error::bad_config, "bus.features with the gate " + gate + " before the claim " + claim,
              "claims before gates: deliveries meet features in reverse", "put " + claim + " before " + gate);
}

}  // namespace

void check_needs(const std::vector<found_plugin>& used, plugin_catalog& catalog) {
  for (const found_plugin& who : used)
    for (const std::string& need : who.plugin->needs)
      if (!is_met(need, used)) refuse(who, need, catalog);
}

void check_phases(const std::vector<found_plugin>& features) {
  const manifest_plugin* gate = nullptr;
  for (const found_plugin& feature : features) {
    if (feature.plugin == nullptr) continue;
    if (feature.plugin->phase == phase::gate && !gate) gate = feature.plugin;
    if (feature.plugin->phase != phase::claim || !gate) continue;
    refuse_order("'" + gate->id + "'", "'" + feature.plugin->id + "'");
  }
}

}  // namespace postbus::detail
