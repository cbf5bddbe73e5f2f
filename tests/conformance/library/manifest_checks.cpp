// What the library says about itself.
#include "tables.hpp"

#include <boost/json.hpp>
#include <dlfcn.h>

namespace postbus::conformance {
namespace {

namespace json = boost::json;

void note(const library_under_test& l, findings&) { read_library_manifest(l.file); }

void manifest(const library_under_test& l, findings& f) {
  for (const plugin_info& p : plugins_in(l)) {
    f.expect(!p.provides.empty(), "expected that '" + p.id + "' provides an interface; it provides none");
  }
}

// A JSON value as it is written in TOML.
std::string to_toml(const json::value& v) {
  std::string text;
  if (v.is_array()) {
    for (const json::value& one : v.get_array()) text += (text.empty() ? "" : ", ") + to_toml(one);
    return "[" + text + "]";
  }
  if (v.is_object()) {
    for (const auto& [name, value] : v.get_object())
      text += (text.empty() ? "" : ", ") + json::serialize(json::value(name)) + " = " + to_toml(value);
    return "{" + text + "}";
  }
  return json::serialize(v);
}

// The schema of each plugin, as the manifest has it.
std::vector<std::pair<std::string, json::object>> schemas_in(const std::string& manifest) {
  const json::object all = json::parse(manifest).as_object();
  json::array plugins;
  if (const json::value* several = all.if_contains("plugins")) plugins = several->as_array();
  else plugins.push_back(all);
  std::vector<std::pair<std::string, json::object>> schemas;
  for (const json::value& p : plugins) {
    const json::value* schema = p.as_object().if_contains("config_schema");
    schemas.emplace_back(p.at("id").as_string(), schema != nullptr ? schema->as_object() : json::object());
  }
  return schemas;
}

// The settings of a plugin in its table of the configuration.
std::string table_of(const plugin_info& p) {
  if (is_transport(p)) return "transport.";
  for (const std::string& interface : p.provides)
    if (interface == "postbus.store/1" && p.wraps.empty()) return "store.";
  return "plugin." + p.id + ".";
}

void try_example(const library_under_test& l, const plugin_info& p, const std::string& name,
                 const json::value& example, findings& f) {
  try {
    plugin_settings(config_with(l, p).set(table_of(p) + name, to_toml(example)), p.id);
  } catch (const error& e) {
    f.add("expected that '" + p.id + "' accepts the example " + name + " = " + to_toml(example) +
          " of its own schema; it refuses it: " + e.what());
  }
}

void settings(const library_under_test& l, findings& f) {
  const auto plugins = plugins_in(l);
  const auto schemas = schemas_in(read_library_manifest(l.file));
  for (std::size_t i = 0; i < schemas.size(); ++i) {
    const plugin_info& p = plugins.at(i);
    try {
      plugin_settings(config_with(l, p), p.id);
    } catch (const error& e) {
      f.add("expected that '" + p.id + "' can be configured; it cannot: " + e.what());
      continue;
    }
    const json::value* properties = schemas[i].second.if_contains("properties");
    if (properties == nullptr) continue;
    for (const auto& [name, property] : properties->as_object()) {
      const json::value* examples = property.as_object().if_contains("examples");
      if (examples == nullptr) continue;
      for (const json::value& example : examples->as_array()) try_example(l, p, name, example, f);
    }
  }
}

void symbols(const library_under_test& l, findings& f) {
  if (::dlopen(l.file.c_str(), RTLD_NOW | RTLD_LOCAL) == nullptr)
    f.add(std::string("expected that it can be loaded; it cannot: ") + ::dlerror() +
          ": see what is missing with ldd -r " + l.file.string());
}

void module(const library_under_test& l, findings&) {
  for (const plugin_info& p : plugins_in(l)) check(config_with(l, p));
}

constexpr library_check table[] = {
    {"note", "its manifest can be read before it is loaded", note, on_failure::stop},
    {"manifest", "ids, version and interfaces of its plugins are well-formed", manifest, on_failure::stop},
    {"settings", "its settings have a schema that is valid and accepts its own examples", settings},
    {"symbols", "all symbols that it uses are there", symbols, on_failure::stop},
    {"module", "its module is of this contract, and has the manifest and the plugins of the note", module,
     on_failure::stop},
};

}  // namespace

std::span<const library_check> manifest_checks() { return table; }

}  // namespace postbus::conformance
