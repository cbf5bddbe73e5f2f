// Part of <postbus/sdk/topic.hpp>: the two checks. A fast one over words answers "surely good" for
// short ASCII; whatever it does not vouch for is read again byte by byte, which is the only place
// that knows the rules and finds the fault.
#pragma once

#include <postbus/sdk/hash.hpp>  // load_word
#include <postbus/sdk/topic.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace postbus::sdk {
namespace detail {

using fault_kind = grammar_fault::kind;

inline constexpr std::uint64_t each_byte = 0x0101'0101'0101'0101ULL;
inline constexpr std::uint64_t high_bits = each_byte * 0x80;

// Eight bytes at once. Not 0: some byte is not ASCII, or forbidden, or '|' or '~' (which are good,
// and so rare that they may take the long way), or two ':' stand side by side.
[[nodiscard]] inline std::uint64_t doubts_in(std::uint64_t word) noexcept {
  // For bytes below 0x80: adding 0x7f carries into the high bit of each byte that is not zero.
  const auto differs = [word](char c) {
    return (word ^ (each_byte * static_cast<unsigned char>(c))) + each_byte * 0x7f;
  };
  const std::uint64_t above_space = word + each_byte * (0x80 - 0x21);
  const std::uint64_t from_brace = word + each_byte * (0x80 - '{');  // '{' '|' '}' '~' DEL
  const std::uint64_t colons = ~differs(':') & high_bits;
  const std::uint64_t bad = word | from_brace | ~(above_space & differs('*'));
  return (bad & high_bits) | (colons & (colons << 8));
}

// True: a good topic. False: look closer.
[[nodiscard]] inline bool is_plain_topic(std::string_view text) noexcept {
  const std::size_t size = text.size();
  if (size < 8 || size > topic_bytes_max || text.front() == ':' || text.back() == ':') return false;
  std::uint64_t doubts = doubts_in(load_word<std::uint64_t>(text.data() + size - 8));
  // Steps of seven, so that every pair of neighbours lies within one word.
  for (std::size_t at = 0; at + 8 < size; at += 7) {
    doubts |= doubts_in(load_word<std::uint64_t>(text.data() + at));
  }
  return doubts == 0;
}

struct code_point {
  char32_t value = 0;
  std::size_t size = 0;  // in bytes; 0: not UTF-8
};

// The code point at the front of `text`, which is not empty (Unicode 15, table 3-7).
[[nodiscard]] inline code_point decode_utf8(std::string_view text) noexcept {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t size = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (size == 0 || text.size() < size) return {};
  char32_t value = lead & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    value = value << 6 | (byte(i) & 0x3fU);
  }
  const bool overlong = (size == 3 && value < 0x800) || (size == 4 && value < 0x10000);
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (overlong || surrogate || value > 0x10ffff) return {};
  return {value, size};
}

// The property White_Space of Unicode 15.
[[nodiscard]] inline bool is_white_space(char32_t c) noexcept {
  return c == ' ' || (c >= 0x09 && c <= 0x0d) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
         c == 0x3000;
}

[[nodiscard]] inline bool is_control(char32_t c) noexcept { return c < 0x20 || (c >= 0x7f && c <= 0x9f); }

struct found_fault {
  fault_kind what = fault_kind::none;
  std::size_t at = 0;
};

// The first character of a segment that no segment of this role may hold.
[[nodiscard]] inline found_fault check_characters(std::string_view segment, grammar_role role) noexcept {
  for (std::size_t at = 0; at < segment.size();) {
    const code_point c = decode_utf8(segment.substr(at));
    if (c.size == 0) return {fault_kind::invalid_utf8, at};
    if (is_white_space(c.value)) return {fault_kind::whitespace, at};
    if (is_control(c.value)) return {fault_kind::control_character, at};
    const bool wildcard = c.value == '*' || c.value == '{' || c.value == '}';
    if (wildcard && role == grammar_role::topic) return {fault_kind::wildcard_in_topic, at};
    at += c.size;
  }
  return {};
}

[[nodiscard]] inline found_fault check_capture_name(std::string_view name) noexcept {
  if (name.empty()) return {fault_kind::capture_name, 0};
  for (std::size_t at = 0; at < name.size(); ++at) {
    const char c = name[at];
    const bool letter = (c >= 'a' && c <= 'z') || c == '_';
    const bool digit = c >= '0' && c <= '9';
    if (!letter && !(digit && at > 0)) return {fault_kind::capture_name, at};
  }
  return {};
}

[[nodiscard]] inline bool holds_capture(std::string_view pattern, std::string_view segment) noexcept {
  for (segment_reader reader{pattern}; !reader.done();) {
    if (reader.next() == segment) return true;
  }
  return false;
}

// The wildcards of one segment; `before` is the pattern up to it, `last` whether it is the last one.
[[nodiscard]] inline found_fault check_wildcards(std::string_view segment, std::string_view before,
                                                 bool last) noexcept {
  if (segment == "*") return {};
  if (segment == "**") return last ? found_fault{} : found_fault{fault_kind::many_not_last, 0};
  const std::size_t first = segment.find_first_of("*{}");
  if (first == std::string_view::npos) return {};
  const bool braced = segment.size() >= 2 && segment.front() == '{' && segment.back() == '}' &&
                      segment.find_first_of("*{}", 1) == segment.size() - 1;
  if (!braced) return {fault_kind::wildcard_in_segment, first};
  found_fault found = check_capture_name(segment.substr(1, segment.size() - 2));
  if (found.what != fault_kind::none) return {found.what, found.at + 1};
  if (holds_capture(before, segment)) return {fault_kind::capture_repeated, 0};
  return {};
}

[[nodiscard]] inline grammar_fault check_closely(std::string_view text, grammar_role role) noexcept {
  if (text.empty()) return {fault_kind::empty, role, 0};
  const std::size_t limit = role == grammar_role::topic ? topic_bytes_max : pattern_bytes_max;
  if (text.size() > limit) return {fault_kind::too_long, role, limit};
  for (segment_reader reader{text}; !reader.done();) {
    const std::size_t begin = reader.offset();
    const std::string_view segment = reader.next();
    if (segment.empty()) return {fault_kind::empty_segment, role, begin};
    found_fault found = check_characters(segment, role);
    if (found.what == fault_kind::none && role == grammar_role::pattern) {
      found = check_wildcards(segment, text.substr(0, begin), reader.done());
    }
    if (found.what != fault_kind::none) return {found.what, role, begin + found.at};
  }
  return {fault_kind::none, role, 0};
}

}  // namespace detail

inline grammar_fault check_topic(std::string_view text) noexcept {
  if (detail::is_plain_topic(text)) return {};
  return detail::check_closely(text, grammar_role::topic);
}

inline grammar_fault check_pattern(std::string_view text) noexcept {
  // What is a good topic is a good pattern too.
  if (detail::is_plain_topic(text)) return {grammar_fault::kind::none, grammar_role::pattern, 0};
  return detail::check_closely(text, grammar_role::pattern);
}

}  // namespace postbus::sdk
