#include "json_text.hpp"

#include <postbus/sdk/text.hpp>

#include <boost/json/basic_parser_impl.hpp>

#include <array>
#include <cstdint>

namespace postbus::detail {
namespace {

using boost::system::error_code;
namespace words = sdk::detail;  // eight bytes at once

// Where the first byte stands that may not go into a string as it is: a control character, '"', '\', or not ASCII.
std::size_t first_special(std::string_view text, std::size_t at) noexcept {
  for (; text.size() - at >= 8; at += 8) {
    const auto word = words::load_word<std::uint64_t>(text.data() + at);
    const auto zeros = [](std::uint64_t w) {
      return (w - words::each_byte) & ~w;
    };  // high bit: a zero byte is here or before
    const std::uint64_t found = word | zeros(word ^ words::each_byte * '"') |
                                zeros(word ^ words::each_byte * '\\') | (word - words::each_byte * 0x20);
    if ((found & words::high_bits) != 0) break;
  }
  for (; at < text.size(); ++at) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\') break;
  }
  return at;
}

void append_escaped(std::string& out, char c) {
  static constexpr std::string_view digits = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  switch (c) {
    case '"':
      out += "\\\"";
      break;
    case '\\':
      out += "\\\\";
      break;
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    default:
      (out += "\\u00") += {digits[byte >> 4], digits[byte & 15]};
  }
}

// Hears of a value and keeps nothing.
struct nobody {
  static constexpr std::size_t max_object_size = std::size_t(-1), max_array_size = std::size_t(-1),
                               max_key_size = std::size_t(-1), max_string_size = std::size_t(-1);
  using text = boost::json::string_view;
  static bool on_document_begin(error_code&) { return true; }
  static bool on_document_end(error_code&) { return true; }
  static bool on_object_begin(error_code&) { return true; }
  static bool on_object_end(std::size_t, error_code&) { return true; }
  static bool on_array_begin(error_code&) { return true; }
  static bool on_array_end(std::size_t, error_code&) { return true; }
  static bool on_key_part(text, std::size_t, error_code&) { return true; }
  static bool on_key(text, std::size_t, error_code&) { return true; }
  static bool on_string_part(text, std::size_t, error_code&) { return true; }
  static bool on_string(text, std::size_t, error_code&) { return true; }
  static bool on_number_part(text, error_code&) { return true; }
  static bool on_int64(std::int64_t, text, error_code&) { return true; }
  static bool on_uint64(std::uint64_t, text, error_code&) { return true; }
  static bool on_double(double, text, error_code&) { return true; }
  static bool on_bool(bool, error_code&) { return true; }
  static bool on_null(error_code&) { return true; }
  static bool on_comment_part(text, error_code&) { return true; }
  static bool on_comment(text, error_code&) { return true; }
};

bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t at = 0;;) {
    const std::size_t special = first_special(text, at);
    out.append(text, at, special - at);
    if (special == text.size()) break;
    at = special + 1;
    if (static_cast<unsigned char>(text[special]) < 0x80) {
      append_escaped(out, text[special]);
      continue;
    }
    const std::size_t size = words::decode_utf8(text.substr(special)).size;
    if (size == 0) {
      out += "\xef\xbf\xbd";
    } else {
      out.append(text, special, size);
      at = special + size;
    }
  }
  out += '"';
}

bool is_json_value(std::string_view text, unsigned depth_max) {
  if (text.empty() || is_space(text.front()) || is_space(text.back())) return false;
  boost::json::parse_options how;
  how.max_depth = depth_max;
  boost::json::basic_parser<nobody> parser(how);
  error_code ec;
  return parser.write_some(false, text.data(), text.size(), ec) == text.size() && !ec;
}

}  // namespace postbus::detail
