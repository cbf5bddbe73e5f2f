// The path of a setting, as a person writes it: bus.threads, bus.features[1], plugin.dedup."a.b"; and where it stands.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postbus::detail {

// " (fleet.toml:3:1)": where a setting stands, as messages have it; empty where nobody said it.
inline std::string place(std::string_view origin) {
  return origin.empty() ? "" : std::string(" (").append(origin).append(")");
}

inline bool is_bare_key(std::string_view key) noexcept {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

inline std::string join_path(std::string_view path, std::string_view key) {
  std::string joined(path);
  if (!joined.empty()) joined += '.';
  if (is_bare_key(key)) return joined.append(key);
  return joined.append(1, '"').append(key).append(1, '"');
}

inline std::string join_path(std::string_view path, std::size_t index) {
  return std::string(path).append("[").append(std::to_string(index)).append("]");
}

// Whether `path` is `at`, or lies beneath it.
inline bool lies_within(std::string_view path, std::string_view at) noexcept {
  if (at.empty()) return true;
  if (path.substr(0, at.size()) != at) return false;
  return path.size() == at.size() || path[at.size()] == '.' || path[at.size()] == '[';
}

// The keys of a dotted path; nothing when one of them is empty or a quote is left open. Lists cannot be named by it.
inline std::optional<std::vector<std::string>> split_path(std::string_view path) {
  std::vector<std::string> keys(1);
  bool quoted = false;
  for (const char c : path) {
    if (c == '"') quoted = !quoted;
    else if (c == '.' && !quoted) keys.emplace_back();
    else keys.back() += c;
  }
  const bool hole = std::any_of(keys.begin(), keys.end(), [](const std::string& key) { return key.empty(); });
  if (quoted || hole) return std::nullopt;
  return keys;
}

}  // namespace postbus::detail
