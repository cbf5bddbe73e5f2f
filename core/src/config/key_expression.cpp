#include "key_expression.hpp"

#include <postbus/sdk/topic.hpp>

#include <algorithm>
#include <utility>

namespace postbus::detail {
namespace {

bool is_header_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  });
}

bool is_capture_name(std::string_view name) {
  const std::string segment = "{" + std::string(name) + "}";
  return name.find(':') == std::string_view::npos && !sdk::check_pattern(segment);
}

// As RFC 6901 has them; the empty one, which is the whole document, is none: hash is for that.
bool is_json_pointer(std::string_view text) {
  if (!text.starts_with('/')) return false;
  for (std::size_t at = text.find('~'); at != text.npos; at = text.find('~', at + 1))
    if (at + 1 == text.size() || (text[at + 1] != '0' && text[at + 1] != '1')) return false;
  return true;
}

// The parts of a template; empty when a brace has no partner, a name is none, or nothing is captured at all: such a key would be the
// same for every event.
std::vector<key_part> parse_template(std::string_view text) {
  std::vector<key_part> parts;
  bool captures = false;
  while (!text.empty()) {
    const std::string_view literal = text.substr(0, text.find_first_of("{}"));
    if (!literal.empty()) parts.push_back({key_part::literal, std::string(literal)});
    text.remove_prefix(literal.size());
    if (text.empty()) break;
    const std::size_t end = text.find('}');
    if (text.front() != '{' || end == std::string_view::npos || !is_capture_name(text.substr(1, end - 1)))
      return {};
    parts.push_back({key_part::param, std::string(text.substr(1, end - 1))});
    text.remove_prefix(end + 1);
    captures = true;
  }
  return captures ? parts : std::vector<key_part>{};
}

std::vector<key_part> parse_parts(std::string_view text) {
  if (text == "id") return {{key_part::id, ""}};
  if (text == "partitionkey") return {{key_part::partitionkey, ""}};
  if (text == "hash") return {{key_part::hash, ""}};
  const std::size_t colon = text.find(':');
  const std::string_view kind = text.substr(0, colon);
  const std::string_view name = colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
  if (kind == "header" && is_header_name(name)) return {{key_part::header, std::string(name)}};
  if (kind == "param" && is_capture_name(name)) return {{key_part::param, std::string(name)}};
  if (kind == "json" && is_json_pointer(name)) return {{key_part::json, std::string(name)}};
  return parse_template(text);
}

}  // namespace

bool key_expression::needs_attributes() const noexcept {
  return std::any_of(parts.begin(), parts.end(), [](const key_part& p) {
    return p.what == key_part::id || p.what == key_part::partitionkey || p.what == key_part::header;
  });
}

key_expression parse_key_expression(std::string_view text, error::errc code, const std::string& whose) {
  key_expression key{std::string(text), parse_parts(text)};
  if (key.empty()) {
    throw error(
        code, "\"" + key.text + "\" as " + whose,
        "id, partitionkey, header:NAME, param:NAME, hash, json:/POINTER, or a template with captures such as "
        "job-{user}",
        "write one of these");
  }
  return key;
}

void check_captures(const key_expression& key, std::string_view pattern, error::errc code,
                    const std::string& whose) {
  for (const key_part& part : key.parts) {
    const std::string capture = "{" + part.text + "}";
    if (part.what != key_part::param ||
        (":" + std::string(pattern) + ":").find(":" + capture + ":") != std::string::npos)
      continue;
    throw error(code, whose + " = \"" + key.text + "\", and the pattern " + std::string(pattern),
                "a pattern that captures " + capture,
                "write " + capture + " in the pattern where the value stands");
  }
}

}  // namespace postbus::detail
