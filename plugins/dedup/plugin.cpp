// The library of dedup: one feature.
#include "dedup.hpp"

POSTBUS_PLUGINS(POSTBUS_PLUGIN("dedup", postbus::dedup_plugin::dedup))
