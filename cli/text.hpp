// text: laying out text for a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace postbus::cli {

// How many columns a terminal needs for it: its code points.
std::size_t characters(std::string_view utf8) noexcept;

// The text on one line, and so that it can be read back: a backslash and control characters as \\ \n \r \t \u00XX.
std::string escaped(std::string_view utf8);

// Lines of at most `width` columns, broken at spaces; line ends in the text stay.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

}  // namespace postbus::cli
