#include "media_type.hpp"

#include <algorithm>

namespace postbus::detail {
namespace {

constexpr std::string_view blank = " \t";

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same(std::string_view a, std::string_view lower_case) noexcept {
  return a.size() == lower_case.size() &&
         std::equal(a.begin(), a.end(), lower_case.begin(), [](char x, char y) { return lower(x) == y; });
}

bool begins(std::string_view text, std::string_view with) noexcept {
  return same(text.substr(0, with.size()), with);
}
bool ends(std::string_view text, std::string_view with) noexcept {
  return text.size() > with.size() && same(text.substr(text.size() - with.size()), with);
}

std::string_view trimmed(std::string_view text) noexcept {
  const std::size_t first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

// Takes what stands before the next ';' off the front.
std::string_view next_part(std::string_view& rest) noexcept {
  const std::size_t end = std::min(rest.find(';'), rest.size());
  const std::string_view part = trimmed(rest.substr(0, end));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

}  // namespace

bool is_json_type(std::string_view content_type) noexcept {
  const std::string_view type = next_part(content_type);
  return ends(type, "/json") || ends(type, "+json");
}

bool is_text_type(std::string_view content_type) noexcept {
  const std::string_view type = next_part(content_type);
  while (!content_type.empty()) {
    std::string_view parameter = next_part(content_type);
    if (!begins(parameter, "charset=")) continue;
    parameter.remove_prefix(sizeof "charset=" - 1);
    if (parameter.size() > 1 && parameter.front() == '"' && parameter.back() == '"')
      parameter = parameter.substr(1, parameter.size() - 2);
    if (same(parameter, "utf-8")) return true;
    if (!same(parameter, "us-ascii")) return false;
  }
  return begins(type, "text/") || ends(type, "/xml") || ends(type, "+xml");
}

}  // namespace postbus::detail
