#include "text.hpp"

#include <postbus/sdk/topic.hpp>

#include <cstdint>

namespace postbus::detail {
std::string valid_utf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const std::size_t n = sdk::detail::decode_utf8(text).size;
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
