// The library of faults: one around a transport, one around a store.
#include "store.hpp"
#include "transport.hpp"

#include <postbus/sdk/plugin.hpp>

POSTBUS_PLUGINS(POSTBUS_PLUGIN("faults", postbus::faults::faulty_transport),
                POSTBUS_PLUGIN("faults-store", postbus::faults::faulty_store))
