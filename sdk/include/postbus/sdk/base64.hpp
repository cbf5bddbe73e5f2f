// postbus/sdk/base64.hpp — base64 (RFC 4648, section 4: `+` and `/`, padded), strict: a text has one reading, and bytes have one text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postbus::sdk {

// Appends. Throws bad_alloc.
void append_base64(std::string& out, std::string_view bytes);

// The bytes; nothing when the text holds anything else, a line break for instance, or lacks its padding, or when bits of its
// last character that no byte takes are set. Throws bad_alloc.
std::optional<std::string> parse_base64(std::string_view text);

// ---- the rest is how

namespace detail::base64 {

inline constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// 64 and up: no digit.
inline constexpr auto values = [] {
  std::array<std::uint8_t, 256> table{};
  table.fill(64);
  for (std::uint8_t i = 0; i < 64; ++i) table[static_cast<unsigned char>(digits[i])] = i;
  return table;
}();

inline std::uint32_t byte(char c) noexcept { return static_cast<unsigned char>(c); }
inline std::uint32_t value(char c) noexcept { return values[static_cast<unsigned char>(c)]; }

}  // namespace detail::base64

inline void append_base64(std::string& out, std::string_view bytes) {
  std::size_t at = out.size();
  out.resize(at + (bytes.size() + 2) / 3 * 4, '=');
  const auto put = [&](std::uint32_t bits, unsigned characters) {
    for (unsigned i = 0; i < characters; ++i) out[at + i] = detail::base64::digits[bits >> (18 - 6 * i) & 63];
    at += 4;
  };
  std::size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3)
    put(detail::base64::byte(bytes[i]) << 16 | detail::base64::byte(bytes[i + 1]) << 8 |
            detail::base64::byte(bytes[i + 2]),
        4);
  if (bytes.size() - i == 1) put(detail::base64::byte(bytes[i]) << 16, 2);
  if (bytes.size() - i == 2)
    put(detail::base64::byte(bytes[i]) << 16 | detail::base64::byte(bytes[i + 1]) << 8, 3);
}

inline std::optional<std::string> parse_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  const std::size_t characters = text.size() - padding;

  std::string bytes(text.size() / 4 * 3 - padding, '\0');
  std::size_t at = 0;
  for (std::size_t i = 0; i < characters; i += 4) {
    const std::size_t here = characters - i < 4 ? characters - i : 4;
    std::uint32_t bits = 0, seen = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const std::uint32_t v = k < here ? detail::base64::value(text[i + k]) : 0;
      seen |= v;
      bits = bits << 6 | (v & 63);
    }
    const std::uint32_t unused = here == 4 ? 0 : here == 3 ? 0xff : 0xffff;  // of the 24 bits
    if ((seen & 64) != 0 || (bits & unused) != 0) return std::nullopt;
    for (std::size_t k = 0; k + 1 < here; ++k) bytes[at++] = static_cast<char>(bits >> (16 - 8 * k));
  }
  return bytes;
}

}  // namespace postbus::sdk
