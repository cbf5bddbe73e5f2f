// The library of steering.
#include "steering.hpp"

#include <postbus/sdk/plugin.hpp>

POSTBUS_PLUGINS(POSTBUS_PLUGIN("steering", postbus::steering_plugin::steering))
