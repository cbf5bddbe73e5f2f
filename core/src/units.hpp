// Durations and sizes as a person writes them. The only place that knows the units; everywhere else they are nanoseconds and bytes.
//
//   250ms  1.5h  1h30m     ns us µs ms s m h d
//   16MiB  64kB  512       B; kB MB GB TB (1000); KiB MiB GiB TiB (1024); a plain number is bytes
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postbus::detail {

// Nanoseconds. Nothing when the text is none of the above, is no whole number of nanoseconds, or is longer than 292 years.
std::optional<std::int64_t> parse_duration(std::string_view text) noexcept;

// Bytes. Nothing when the text is none of the above, is no whole number of bytes, or is 8 EiB or more.
std::optional<std::int64_t> parse_bytes(std::string_view text) noexcept;

// In the largest unit that takes no fraction: "90s", "16MiB". Reading it gives the same number.
std::string duration_text(std::int64_t ns);
std::string bytes_text(std::int64_t bytes);

// What to write, for error messages.
inline constexpr std::string_view duration_examples = "a duration such as \"250ms\" or \"1h\"";
inline constexpr std::string_view bytes_examples = "a size such as \"64kB\" or \"16MiB\"";

}  // namespace postbus::detail
