// The manifest of a library: what its plugins are called, provide, require and may be set to. plugin.json in the source, a note in
// the file, so that it is read without running the library's code. One plugin in an object, or several under "plugins":
//
//   {"id": "size-limit", "version": "1.0.0", "abi": 1, "provides": ["postbus.interceptor/1"], "config_schema": {…}}
//   {"version": "1.0.0", "abi": 1, "plugins": [{"id": …}, {"id": …}]}
#pragma once

#include "text/json.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postbus::detail {

// Where a feature belongs: a gate lets nothing by that must not start, a claim takes what it lets by, a filter is neither.
enum class phase { gate, claim, filter };

struct manifest_plugin {
  std::string id, summary;
  std::vector<std::string> provides;  // interfaces: "postbus.transport/1"
  std::vector<std::string> needs;     // "requires": interfaces, or ids of plugins
  std::vector<std::string> methods, reasons, verdicts;
  std::map<std::string, std::string> listens;
  std::string wraps;  // "transport", "store", or empty
  detail::phase phase = detail::phase::filter;
  std::uint32_t can = 0;                  // "capabilities", as POSTBUS_CAN_… bits
  std::optional<std::uint64_t> data_max;  // bytes
  bool shared = false;                    // a transport or store that other processes see too
  json::object config_schema;

  bool does_provide(std::string_view interface) const;
  // A wrapper provides what it wraps, and is none: alone it carries and holds nothing.
  bool is_wrapper() const { return !wraps.empty(); }
  bool is_transport() const { return does_provide("postbus.transport/1") && !is_wrapper(); }
  bool is_store() const { return does_provide("postbus.store/1") && !is_wrapper(); }
  // Which is what goes into bus.features: also a plugin that only answers calls. A transport may answer calls too.
  bool is_feature() const {
    return !is_wrapper() && (does_provide("postbus.interceptor/1") ||
                             (does_provide("postbus.control/1") && !is_transport() && !is_store()));
  }
  // Of a wrapper: the interface of what it wraps, which is its own too.
  const char* wrapped_interface() const {
    return wraps == "store" ? "postbus.store/1" : "postbus.transport/1";
  }
};

struct manifest {
  std::string file;  // of the library; for a linked one, "linked module" and its ids
  std::string text;  // as it was read
  std::string version;
  std::vector<manifest_plugin> plugins;

  const manifest_plugin* find(std::string_view id) const;
};

// The names of POSTBUS_CAN_… bits, as a manifest has them.
std::vector<std::string> capability_names(std::uint32_t can);

// Throws error::bad_plugin naming the file and the field.
manifest parse_manifest(std::string_view text, const std::string& file);

}  // namespace postbus::detail
