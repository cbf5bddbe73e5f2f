#include "environment.hpp"

#include "text/key_path.hpp"

#include <sys/auxv.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <string_view>

namespace postbus::detail {
namespace {

constexpr std::string_view prefix = "POSTBUS_";
constexpr std::string_view dot = "__";

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

// What stands at this place in the path is the id of a plugin: plugin.NAME, log.modules.NAME.
bool is_plugin_id(const std::vector<std::string>& keys) {
  return (keys.size() == 1 && keys[0] == "plugin") ||
         (keys.size() == 2 && keys[0] == "log" && keys[1] == "modules");
}

std::string path_of(std::string_view name) {
  std::vector<std::string> keys;
  std::string path;
  for (bool more = true; more;) {
    const std::size_t end = name.find(dot);
    more = end != std::string_view::npos;
    std::string key = lower(name.substr(0, end));
    if (more) name.remove_prefix(end + dot.size());
    if (is_plugin_id(keys)) std::replace(key.begin(), key.end(), '_', '-');
    // An empty key stays one: whoever takes the path refuses it.
    path = key.empty() ? path + '.' : join_path(path, key);
    keys.push_back(std::move(key));
  }
  return path;
}

}  // namespace

std::vector<environment_setting> environment_settings(const char* const* variables) {
  std::vector<environment_setting> found;
  for (; variables != nullptr && *variables != nullptr; ++variables) {
    const std::string_view text = *variables;
    const std::string_view name = text.substr(0, text.find('='));
    if (name.size() == text.size() || name.substr(0, prefix.size()) != prefix) continue;
    const std::string_view setting = name.substr(prefix.size());
    if (setting.find(dot) == std::string_view::npos) continue;
    found.push_back({std::string(name), path_of(setting), std::string(text.substr(name.size() + 1))});
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.variable < b.variable; });
  return found;
}

bool has_elevated_privileges() noexcept { return ::getauxval(AT_SECURE) != 0; }

std::vector<environment_setting> environment_settings() {
  if (has_elevated_privileges()) return {};
  return environment_settings(environ);
}

}  // namespace postbus::detail
