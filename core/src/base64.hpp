// base64 as RFC 4648 has it in section 4: how bytes that are no text travel in JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace postbus::detail {

std::string to_base64(std::string_view bytes);
// Nothing when the text is not base64: another character, a length that is no multiple of four, bits that no byte has.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace postbus::detail
