// store_check: whether an op is one at all, before anything is done.
#pragma once

#include <postbus/plugin.h>

#include <span>

namespace postbus::memory {

// Throws sdk::failure{POSTBUS_E_INVALID}: which op is none, what was found, and what was wanted.
void check_ops(std::span<const postbus_op> ops);

}  // namespace postbus::memory
