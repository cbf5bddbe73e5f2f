// Base64 (RFC 4648, section 4: `+` and `/`, padded), strict: a text has one reading, and bytes have one text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace postbus::detail {

// Appends. Throws bad_alloc.
void append_base64(std::string& out, std::string_view bytes);

// The bytes; nothing when the text holds anything else, a line break for instance, or lacks its padding, or when bits of its
// last character that no byte takes are set. Throws bad_alloc.
std::optional<std::string> parse_base64(std::string_view text);

}  // namespace postbus::detail
