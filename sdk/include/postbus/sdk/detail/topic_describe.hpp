// Part of <postbus/sdk/topic.hpp>: a fault in words.
#pragma once

#include <postbus/sdk/topic.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace postbus::sdk {
namespace detail {

inline void append_byte_in_hex(std::string& to, char byte) {
  constexpr std::string_view digits = "0123456789abcdef";
  const auto value = static_cast<unsigned char>(byte);
  to += "\\x";
  to += digits[value >> 4];
  to += digits[value & 15];
}

// `text` in quotes, at most 48 bytes on either side of `offset`, safe to print and to log: what is
// not ASCII is shown as bytes, since a fault may make it anything, also something that looks alike.
inline void append_quoted(std::string& to, std::string_view text, std::size_t offset) {
  constexpr std::size_t around = 48;
  const std::size_t begin = offset > around ? offset - around : 0;
  const std::size_t end = std::min(text.size(), offset + around);
  to += begin > 0 ? "\"…" : "\"";
  for (const char c : text.substr(begin, end - begin)) {
    if (c == '"' || c == '\\') to += '\\';
    if (c >= ' ' && c <= '~') {
      to += c;
    } else {
      append_byte_in_hex(to, c);
    }
  }
  to += end < text.size() ? "…\"" : "\"";
}

struct fault_words {
  std::string_view found;
  std::string_view wanted;
  std::string_view remedy;
};

[[nodiscard]] inline fault_words words_for(grammar_fault::kind what, grammar_role role) noexcept {
  using kind = grammar_fault::kind;
  switch (what) {
    case kind::none:
      break;
    case kind::empty:
      return {"no text", "1 to 255 bytes",
              role == grammar_role::topic ? "give a topic such as jobs:created"
                                          : "give a pattern such as jobs:**"};
    case kind::too_long:
      return {"more", "at most 255 bytes", "shorten it and carry the rest as a header or in the data"};
    case kind::empty_segment:
      return {"an empty segment", "at least one character before, between and after ':'",
              "remove the extra ':' or fill the segment in"};
    case kind::whitespace:
      return {"white space", "none", "use '_' or '-' instead, and trim what comes from a file or a person"};
    case kind::control_character:
      return {"a control character", "printable text", "remove it"};
    case kind::invalid_utf8:
      return {"bytes that are no UTF-8", "UTF-8", "encode the text as UTF-8, or the bytes as hex"};
    case kind::wildcard_in_topic:
      return {"a wildcard", "a topic, which stands for itself alone",
              "name the segment, or use the text as a pattern"};
    case kind::wildcard_in_segment:
      return {"a wildcard inside a segment", "'*', '**' or '{name}' as a whole segment",
              "put ':' around it, or match any segment and compare in the handler"};
    case kind::many_not_last:
      return {"'**' before the end", "'**' as the last segment only",
              "end the pattern there, or use one '*' for each segment"};
    case kind::capture_name:
      return {"a bad capture name", "{name} with name as [a-z_][a-z0-9_]*",
              "rename it, for example to {user_id}"};
    case kind::capture_repeated:
      return {"a capture name used before", "each name once in a pattern",
              "rename one of the two, or use '*' for the one not needed"};
  }
  return {};
}

}  // namespace detail

inline std::string describe(const grammar_fault& fault, std::string_view text) {
  if (!fault) return {};
  const detail::fault_words words = detail::words_for(fault.what, fault.role);
  std::string sentence = fault.role == grammar_role::topic ? "topic " : "pattern ";
  detail::append_quoted(sentence, text, fault.offset);
  sentence += ": found ";
  sentence += words.found;
  if (fault.what == grammar_fault::kind::too_long) {
    sentence += " (" + std::to_string(text.size()) + " bytes)";
  } else if (fault.what != grammar_fault::kind::empty) {
    sentence += " at byte " + std::to_string(fault.offset);
    if (fault.offset >= text.size()) sentence += " (its end)";
  }
  sentence += ", wanted ";
  sentence += words.wanted;
  sentence += "; ";
  sentence += words.remedy;
  return sentence;
}

}  // namespace postbus::sdk
