// The settings that a later version will have. Refused by name: who writes one knows what it means, and "unknown" would be a lie.
#pragma once

#include "config_contents.hpp"

namespace postbus::detail {

// Throws error::unsupported for the first of them.
void refuse_what_comes_later(const config_access::contents& contents);

}  // namespace postbus::detail
