// text: UTF-8, base64, and putting any bytes on one line.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postbus::cli {

// The length of the UTF-8 character that `text` begins with: 1 to 4, or 0 when it begins with none.
std::size_t utf8_length(std::string_view text) noexcept;
bool is_utf8(std::string_view text) noexcept;
// How many columns a terminal needs for it: its code points.
std::size_t characters(std::string_view utf8) noexcept;

std::string base64_encode(std::string_view bytes);
// Nothing when it is no base64.
std::optional<std::string> base64_decode(std::string_view text);

// The text on one line: a backslash and control characters as \\ \n \r \t \u00XX.
std::string one_line(std::string_view utf8);

// Lines of at most `width` columns, broken at spaces; line ends in the text stay.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

// Whether `word` is meant by one of these: the nearest, when it is near.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace postbus::cli
