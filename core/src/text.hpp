// Text that came from outside, made fit to be printed.
#pragma once

#include <string>
#include <string_view>

namespace postbus::detail {

// The same text as UTF-8: what is none becomes U+FFFD, byte by byte.
std::string valid_utf8(std::string_view text);

// UTF-8 on one line: line ends and other control characters are written out ("\n", "\x1b"), so that a text can neither begin a line
// of its own in a log nor steer a terminal. A line end at its end is left out.
std::string one_line(std::string_view text);

}  // namespace postbus::detail
