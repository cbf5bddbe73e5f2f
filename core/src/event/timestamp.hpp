// Points in time as RFC 3339 writes them: 2018-04-05T17:31:00Z, 2018-04-05T19:31:00.123456789+02:00.
#pragma once

#include <postbus/sdk/timestamp.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postbus::detail {

using sdk::append_timestamp;

// Nanoseconds since the Unix epoch. Any offset; decimals beyond nanoseconds are cut off; a leap second is the first of the next
// minute. Nothing when the text is no such time or lies outside of 1677-09-21 to 2262-04-11.
std::optional<std::int64_t> parse_timestamp(std::string_view text) noexcept;

}  // namespace postbus::detail
