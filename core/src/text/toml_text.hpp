// A value as it is written in a configuration.
#pragma once

#include "json.hpp"

#include <string>

namespace postbus::detail {

// On one line: "text", 4, [1, 2], {key = true}. Reading it gives the same value; null, which TOML does not have, becomes "".
std::string toml_text(const json::value& value);

}  // namespace postbus::detail
