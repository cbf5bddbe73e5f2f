// wrappers: a transport or a store together with the plugins that stand around it. Each instance owns the one it wraps, so that the
// outermost is all that the rest of the bus knows.
#pragma once

#include "plugin_instance.hpp"

#include <functional>
#include <memory>
#include <string>

namespace postbus::detail {

// Creates what `use` names, then its wrappers from the inside out; the outermost. `check` sees each of them before the next one does.
// Throws what the constructor, plugin_instance::check() and `check` throw; nothing has been started then.
std::unique_ptr<plugin_instance> make_with_wrappers(engine& owner, plugin_use use,
                                                    const std::string& component, const std::string& label,
                                                    bool required, void (*check)(const plugin_instance&));

// From the inside out, which is the order they are started in. `outermost` may be nullptr.
void for_each_layer(plugin_instance* outermost, const std::function<void(plugin_instance&)>& f);

}  // namespace postbus::detail
