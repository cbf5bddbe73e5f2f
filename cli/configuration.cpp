#include "configuration.hpp"

#include <postbus/inspect.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <cstdlib>
#include <filesystem>

namespace postbus::cli {
namespace {

// A text as it is written in TOML, without its quotes.
std::string unquoted(const std::string& value) {
  boost::system::error_code ec;
  const boost::json::value parsed = boost::json::parse(value, ec);
  if (!ec && parsed.is_string()) return std::string(parsed.get_string());
  const bool literal = value.size() >= 2 && value.front() == '\'' && value.back() == '\'';
  return literal ? value.substr(1, value.size() - 2) : value;
}

// ${VAR} stands for an environment variable, as in the bus itself.
std::string expanded(std::string text) {
  for (std::size_t at = text.find("${"); at != std::string::npos; at = text.find("${", at)) {
    const std::size_t end = text.find('}', at);
    if (end == std::string::npos) break;
    const std::string name = text.substr(at + 2, end - at - 2);
    const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): nothing sets variables
    const std::string replacement = value != nullptr ? value : "";
    text.replace(at, end + 1 - at, replacement);
    at += replacement.size();
  }
  return text;
}

std::string without_scheme(std::string address) {
  return address.starts_with("unix:") ? address.substr(5) : address;
}

}  // namespace

std::string configuration_file(const common_options& options) {
  if (!options.config_file.empty()) return options.config_file;
  const char* named = std::getenv("POSTBUS_CONFIG");  // NOLINT(concurrency-mt-unsafe)
  if (named != nullptr && *named != '\0') return named;
  std::error_code ignored;
  return std::filesystem::exists("postbus.toml", ignored) ? "postbus.toml" : "";
}

config configuration(const common_options& options) {
  const std::string file = configuration_file(options);
  config c = file.empty() ? config() : config::from_file(file);
  c.environment();
  for (const auto& [path, value] : options.settings) c.set(path, value);
  return c;
}

std::string admin_path(const common_options& options) {
  if (!options.admin.empty()) return without_scheme(options.admin);
  return without_scheme(expanded(setting(configuration(options), "bus.admin")));
}

std::string setting(const config& c, std::string_view path) {
  for (const settings_table& table : explain_settings(c))
    for (const setting_info& s : table.settings)
      if (s.path == path) return unquoted(s.origin.empty() ? s.default_value : s.value);
  return "";
}

std::string name_of_configuration(const common_options& options) {
  const std::string file = configuration_file(options);
  return file.empty() ? "the default configuration" : file;
}

}  // namespace postbus::cli
