// The library of the brake.
#include "brake.hpp"

#include <postbus/sdk/plugin.hpp>

POSTBUS_PLUGINS(POSTBUS_PLUGIN("brake", postbus::brake_plugin::plugin))
