#include "wrappers.hpp"

#include <utility>

namespace postbus::detail {

std::unique_ptr<plugin_instance> make_with_wrappers(engine& owner, plugin_use use,
                                                    const std::string& component, const std::string& label,
                                                    bool required, void (*check)(const plugin_instance&)) {
  std::vector<plugin_use> wrappers = std::exchange(use.wrappers, {});
  auto made = std::make_unique<plugin_instance>(owner, std::move(use), component, label, required);
  made->check();
  check(*made);
  for (auto wrapper = wrappers.rbegin(); wrapper != wrappers.rend(); ++wrapper) {
    std::string name = component + "." + wrapper->id;
    made = std::make_unique<plugin_instance>(owner, std::move(*wrapper), std::move(name), label, required,
                                             std::move(made));
    made->check();
    check(*made);
  }
  return made;
}

void for_each_layer(plugin_instance* outermost, const std::function<void(plugin_instance&)>& f) {
  if (outermost == nullptr) return;
  for_each_layer(outermost->wrapped(), f);
  f(*outermost);
}

}  // namespace postbus::detail
