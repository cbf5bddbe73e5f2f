#include "config_contents.hpp"
#include "environment.hpp"
#include "text/key_path.hpp"
#include "text/toml.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>
#include <utility>

namespace postbus {
namespace {

using detail::join_path;
namespace json = detail::json;
using contents = config_access::contents;
using origins = std::map<std::string, std::string, std::less<>>;

constexpr const char* in_code = "set in code";

std::string place(std::string_view file, const toml::source_position& at) {
  return std::string(file).append(":" + std::to_string(at.line) + ":" + std::to_string(at.column));
}

// A TOML document as JSON; notes on the way where each setting stands.
struct toml_reader {
  std::string_view file;
  origins& where;

  json::object table(const toml::table& table, const std::string& path) {
    json::object result;
    for (const auto& [key, node] : table) {
      const std::string at = join_path(path, key.str());
      where[at] = place(file, key.source().begin);
      result[key.str()] = value(node, at);
    }
    return result;
  }

  json::array array(const toml::array& array, const std::string& path) {
    json::array result;
    for (const toml::node& node : array) {
      const std::string at = join_path(path, result.size());
      where[at] = place(file, node.source().begin);
      result.push_back(value(node, at));
    }
    return result;
  }

  json::value value(const toml::node& node, const std::string& path) {
    if (const auto* t = node.as_table()) return table(*t, path);
    if (const auto* a = node.as_array()) return array(*a, path);
    if (const auto* s = node.as_string()) return json::string(s->get());
    if (const auto* i = node.as_integer()) return i->get();
    if (const auto* b = node.as_boolean()) return b->get();
    if (const auto* f = node.as_floating_point(); f && std::isfinite(f->get())) return f->get();
    // JSON has neither dates nor infinities, and no setting is one: as text they are refused where they stand.
    std::ostringstream text;
    node.visit([&](const auto& leaf) {
      if constexpr (toml::is_value<decltype(leaf)>) text << leaf.get();
    });
    return json::string(text.str());
  }
};

void read_toml(contents& to, std::string_view text, std::string_view file) {
  try {
    to.origins[""] = file;
    to.tree = toml_reader{file, to.origins}.table(toml::parse(text, file), "");
  } catch (const toml::parse_error& e) {
    throw error(error::bad_config, std::string(e.description()) + " (" + place(file, e.source().begin) + ")",
                "TOML", "correct the line");
  }
}

std::string read_file(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::error_code why;
  if (!stream) why = {errno, std::generic_category()};
  else if (std::filesystem::is_directory(file)) why = std::make_error_code(std::errc::is_a_directory);
  if (why) {
    throw error(error::bad_config, file.string() + ": " + why.message(), "a TOML file that can be read",
                "check the path and its permissions");
  }
  return {std::istreambuf_iterator<char>(stream), {}};
}

// Whether it is worth more than its text: a bus may be called "nan" or "2024-01-01".
bool is_setting(const toml::node& node) {
  if (const auto* number = node.as_floating_point()) return std::isfinite(number->get());
  return !node.is_date() && !node.is_time() && !node.is_date_time();
}

// The value as TOML where it is TOML, else the text itself.
json::value value_of(std::string_view text) {
  try {
    const toml::table document = toml::parse("value = " + std::string(text));
    // Text that goes on after the value with keys of its own ("1\nb = 2") is no value.
    const toml::node& node = *document.get("value");
    origins nowhere;
    if (document.size() == 1 && is_setting(node)) return toml_reader{in_code, nowhere}.value(node, "");
  } catch (const toml::parse_error&) {
  }
  return json::string(text);
}

// `by`: who wanted it to be one, "set in code".
[[noreturn]] void not_a_table(const contents& c, const std::string& path, const std::string& wanted,
                              const std::string& by) {
  throw error(error::bad_config, path + ", which is no " + wanted + " (" + c.origin(path) + ")",
              "a " + wanted + (by == in_code ? "" : " for the " + by),
              "set " + path + " differently, or another setting");
}

// The place of a setting. Tables on the way are made where they are missing.
json::value& slot(contents& c, std::string_view path, const std::string& by = in_code) {
  const auto keys = detail::split_path(path);
  if (!keys) {
    throw error(error::bad_config,
                "the path \"" + std::string(path) + "\"" + (by == in_code ? "" : " (" + by + ")"),
                "keys joined by dots, such as bus.name", "fill in what is empty, and close the quotes");
  }
  json::object* table = &c.tree;
  std::string at;
  for (std::size_t i = 0; i + 1 < keys->size(); ++i) {
    at = join_path(at, (*keys)[i]);
    const auto [entry, is_new] = table->emplace((*keys)[i], json::object());
    if (is_new) c.origins[at] = by;
    if (!entry->value().is_object()) not_a_table(c, at, "table", by);
    table = &entry->value().get_object();
  }
  return (*table)[keys->back()];
}

void put(contents& c, std::string_view path, json::value value, const std::string& by = in_code) {
  slot(c, path, by) = std::move(value);
  std::erase_if(c.origins, [&](const auto& entry) { return detail::lies_within(entry.first, path); });
  c.origins[std::string(path)] = by;
}

void append(contents& c, const std::string& path, std::string_view text) {
  json::value& list = slot(c, path);
  if (list.is_null()) {
    list.emplace_array();
    c.origins[path] = in_code;
  }
  if (!list.is_array()) not_a_table(c, path, "list", in_code);
  c.origins[join_path(path, list.get_array().size())] = in_code;
  list.get_array().emplace_back(text);
}

}  // namespace

std::string config::contents::origin(std::string_view path) const {
  for (;;) {
    if (const auto found = origins.find(path); found != origins.end()) return found->second;
    if (path.empty()) return {};
    const std::size_t end = path.find_last_of(".[");
    path = path.substr(0, end == std::string_view::npos ? 0 : end);
  }
}

config::config() : contents_(std::make_unique<contents>()) {}
config::config(const config& other) : contents_(std::make_unique<contents>(*other.contents_)) {}
config::config(config&&) noexcept = default;
config::~config() = default;

config& config::operator=(config other) noexcept {
  contents_.swap(other.contents_);
  return *this;
}

config config::from_file(const std::filesystem::path& file) {
  config result;
  read_toml(*result.contents_, read_file(file), file.string());
  // Now: the program may go elsewhere before the bus is made.
  result.contents_->folder = std::filesystem::absolute(file).parent_path();
  return result;
}

config config::from_toml(std::string_view text) {
  config result;
  read_toml(*result.contents_, text, "text");
  return result;
}

config& config::set(std::string_view path, std::string_view value) {
  put(*contents_, path, value_of(value));
  return *this;
}

config& config::environment() {
  for (const detail::environment_setting& e : detail::environment_settings())
    put(*contents_, e.path, value_of(e.value), "environment variable " + e.variable);
  return *this;
}

config& config::name(std::string_view name) {
  put(*contents_, "bus.name", json::string(name));
  return *this;
}

config& config::threads(unsigned count) {
  put(*contents_, "bus.threads", std::int64_t{count});
  return *this;
}

config& config::transport(std::string_view plugin) {
  put(*contents_, "transport.plugin", json::string(plugin));
  return *this;
}

config& config::feature(std::string_view plugin) {
  append(*contents_, "bus.features", plugin);
  return *this;
}

config& config::plugin_path(const std::filesystem::path& folder) {
  append(*contents_, "bus.plugin_path", folder.string());
  return *this;
}

config& config::transport(std::string_view name, std::string_view plugin) {
  put(*contents_, join_path(join_path("transports", name), "plugin"), json::string(plugin));
  return *this;
}

config& config::route(std::initializer_list<std::string_view> patterns, std::string_view transport) {
  json::value& list = slot(*contents_, "route");
  if (list.is_null()) list.emplace_array();
  if (!list.is_array()) not_a_table(*contents_, "route", "list", in_code);
  json::array topics;
  for (const std::string_view pattern : patterns) topics.push_back(json::string(pattern));
  contents_->origins[join_path("route", list.get_array().size())] = in_code;
  list.get_array().push_back(json::object{{"topics", std::move(topics)}, {"transport", transport}});
  return *this;
}

config& config::admin(std::string_view address) {
  put(*contents_, "bus.admin", json::string(address));
  return *this;
}

config& config::intercept(std::string_view name, interceptor f, stages where) {
  append(*contents_, "bus.features", name);
  contents_->interceptors.insert_or_assign(std::string(name), detail::local_feature{std::move(f), where});
  return *this;
}

config& config::log_to(log_sink sink) {
  contents_->log = std::move(sink);
  return *this;
}

config& config::module(const postbus_module& linked) {
  contents_->modules.push_back(&linked);
  return *this;
}

config& config::clock(testing::manual_clock& clock) {
  contents_->clock = &clock;
  return *this;
}

}  // namespace postbus
