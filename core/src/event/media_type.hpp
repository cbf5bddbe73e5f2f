// What a content type (RFC 2045: type/subtype, then parameters behind ';') says about data: JSON, text, or neither.
#pragma once

#include <string_view>

namespace postbus::detail {

// application/json, or anything that ends in /json or +json.
bool is_json_type(std::string_view content_type) noexcept;

// Characters in UTF-8: text/*, XML, or a charset of utf-8. Another charset but us-ascii says no.
bool is_text_type(std::string_view content_type) noexcept;

}  // namespace postbus::detail
