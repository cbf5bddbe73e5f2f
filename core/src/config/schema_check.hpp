// Whether a schema itself is one: told when a manifest is read, not when the first wrong setting meets it.
#pragma once

#include "text/json.hpp"

#include <string>

namespace postbus::detail {

// Throws error::bad_plugin that names the keyword, what it is and what it has to be; also for a default that its own schema refuses,
// and for a reference that leads nowhere. `whose`: "plugin 'dedup' (/usr/lib/postbus/dedup.so)". Keywords that nobody here reads may say
// anything.
void check_schema(const json::object& schema, const std::string& whose);

}  // namespace postbus::detail
