// A key expression: what of an event a feature, or an order, goes by. Written as
//
//   id             the event's id
//   partitionkey   the event's ordering key
//   header:NAME    a header, NAME in lower-case letters and digits
//   param:NAME     what {NAME} of the pattern captured
//   hash           the data, by its SHA-256: equal data, equal key
//   json:/POINTER  a value in the data, which is JSON, by a pointer as RFC 6901 has them
//   job-{user}     a template: text, and captures in braces
#pragma once

#include <postbus/error.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace postbus::detail {

struct key_part {
  enum kind { literal, id, partitionkey, header, param, hash, json };
  kind what = literal;
  std::string text;  // the literal, the name, or the pointer; empty for the others
};

// The key is its parts, one after the other; no parts: no key is configured.
struct key_expression {
  std::string text;
  std::vector<key_part> parts;

  bool empty() const noexcept { return parts.empty(); }
  // Whether it goes by what only some codecs carry: an attribute of the event.
  bool needs_attributes() const noexcept;
  // Whether its value is made, and does not stand in the event.
  bool is_made() const noexcept { return parts.size() > 1 || (!empty() && parts[0].what >= key_part::hash); }
};

// Throws an error of `code` when the text is none of the above. `whose` names it in the message: "plugin.dedup.key (fleet.toml:3:1)".
key_expression parse_key_expression(std::string_view text, error::errc code, const std::string& whose);

// Throws an error of `code` when the key needs a capture that `pattern` does not have: its value would be empty for every event.
void check_captures(const key_expression& key, std::string_view pattern, error::errc code,
                    const std::string& whose);

}  // namespace postbus::detail
