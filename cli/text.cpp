#include "text.hpp"

#include <algorithm>

namespace postbus::cli {
std::size_t characters(std::string_view utf8) noexcept {
  return static_cast<std::size_t>(std::count_if(
      utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string escaped(std::string_view utf8) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string line;
  for (const char c : utf8) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\\') line += "\\\\";
    else if (c == '\n') line += "\\n";
    else if (c == '\r') line += "\\r";
    else if (c == '\t') line += "\\t";
    else if (byte < 0x20 || byte == 0x7f) line.append("\\u00").append({digits[byte >> 4], digits[byte & 15]});
    else line += c;
  }
  return line;
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  while (!text.empty() || lines.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view paragraph = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    std::string line;
    while (!paragraph.empty()) {
      const std::size_t space = std::min(paragraph.find(' ', 1), paragraph.size());
      const std::string_view word = paragraph.substr(0, space);
      paragraph.remove_prefix(space);
      if (!line.empty() && characters(line) + characters(word) > width) {
        lines.push_back(std::move(line));
        line = word.substr(word.starts_with(' ') ? 1 : 0);
      } else {
        line += word;
      }
    }
    lines.push_back(std::move(line));
    if (text.empty()) break;
  }
  return lines;
}

}  // namespace postbus::cli
