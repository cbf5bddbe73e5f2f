// What a manifest may say.
#pragma once

namespace postbus::detail {

inline constexpr const char* manifest_version_properties = R"({
  "version": {
    "type": "string", "pattern": "^(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)([-+][0-9A-Za-z.+-]+)?$",
    "description": "a semantic version such as 1.0.0"},
  "abi": {"type": "integer", "minimum": 1, "maximum": 1, "description": "the version of the contract, plugin.h"}
})";

inline constexpr const char* manifest_plugin_schema = R"({
  "type": "object",
  "required": ["id", "provides"],
  "properties": {
    "id": {"type": "string", "pattern": "^[a-z0-9-]+$", "maxLength": 64},
    "summary": {"type": "string"},
    "provides": {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/interface"}},
    "requires": {
      "type": "array",
      "items": {"type": "string", "pattern": "^[a-z0-9.-]+(/[0-9]+)?$", "description": "an interface, or the id of a plugin"}},
    "wraps": {"enum": ["transport", "store"]},
    "phase": {"enum": ["gate", "claim", "filter"]},
    "methods": {"$ref": "#/definitions/names"},
    "listens": {"type": "object", "additionalProperties": {"type": "string"}},
    "reasons": {"$ref": "#/definitions/names"},
    "verdicts": {"type": "array", "items": {"enum": ["hold", "park"]}},
    "capabilities": {
      "type": "array",
      "items": {
        "enum": ["credit", "ack", "lease", "count", "group", "pattern", "replay", "delay", "dead", "partition", "persist"]}},
    "data_max": {"type": "integer", "format": "bytes", "minimum": 1},
    "shared": {"type": "boolean", "description": "whether other processes see the same topics, or keys"},
    "config_schema": {"type": "object", "additionalProperties": true}
  },
  "definitions": {
    "interface": {
      "type": "string", "pattern": "^[a-z0-9.-]+/[0-9]+$", "description": "an interface such as postbus.transport/1"},
    "names": {"type": "array", "uniqueItems": true, "items": {"type": "string", "pattern": "^[a-z][a-z0-9_.-]*$"}}
  }
})";

}  // namespace postbus::detail
