// key_of: the value of a key expression for one event.
#pragma once

#include "config/key_expression.hpp"

#include <postbus/plugin.h>

#include <span>

namespace postbus::detail {

// `patterns`: whose captures param: means; the first that has it counts. The result lies in the event, the key or `buffer`. Makes the
// event's id where it is asked for. Empty where the event has no such value.
std::string_view key_of(const key_expression& key, const postbus_event& event,
                        std::span<const std::string> patterns, std::string& buffer);

}  // namespace postbus::detail
