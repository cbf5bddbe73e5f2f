// Whether a set of plugins can work together: everything that one requires is there, and deliveries meet them in a sensible order.
#pragma once

#include "plugin_catalog.hpp"

#include <vector>

namespace postbus::detail {

// Each "requires" is a service of the host, an interface that a plugin among `used` provides, or the id of one. Throws
// error::bad_plugin naming who wants what, and who could provide it.
void check_needs(const std::vector<found_plugin>& used, plugin_catalog& catalog);

// Deliveries meet features in reverse order, and must not meet a claim before a gate: what the gate keeps would be claimed and not
// worked on. `features` in the order of bus.features. Throws error::bad_config.
void check_phases(const std::vector<found_plugin>& features);

}  // namespace postbus::detail
