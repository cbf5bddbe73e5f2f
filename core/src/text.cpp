#include "text.hpp"

#include <cstdint>

namespace postbus::detail {
namespace {

// How many bytes the character takes that `text` begins with; 0 when it is none (RFC 3629).
std::size_t character_at(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<std::uint8_t>(text[i]) : std::uint8_t{0};
  };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const std::uint8_t first = byte(0), second = byte(1);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4 || !follows(1)) return 0;
  if (first < 0xe0) return 2;
  // Overlong forms, surrogates, and what is beyond U+10FFFF.
  if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
      (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f) || !follows(2))
    return 0;
  if (first < 0xf0) return 3;
  return follows(3) ? 4 : 0;
}

}  // namespace

std::string valid_utf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const std::size_t n = character_at(text);
    if (n == 0) valid += "\xef\xbf\xbd";
    else valid += text.substr(0, n);
    text.remove_prefix(n == 0 ? 1 : n);
  }
  return valid;
}

std::string one_line(std::string_view text) {
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

}  // namespace postbus::detail
