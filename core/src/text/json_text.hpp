// JSON as text: to write a string, and to know whether bytes are a value, without building one.
#pragma once

#include <string>
#include <string_view>

namespace postbus::detail {

// Appends `text` in quotes, escaped; a byte that is not UTF-8 becomes U+FFFD. Throws bad_alloc.
void append_json_string(std::string& out, std::string_view text);

// One value (RFC 8259) in UTF-8, nested no deeper than depth_max, without white space around it.
bool is_json_value(std::string_view text, unsigned depth_max);

}  // namespace postbus::detail
