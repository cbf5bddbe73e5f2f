// The host's own settings. As with a plugin, the schema is the only source of a default and a unit, and its descriptions are the
// documentation.
#pragma once

namespace postbus::detail {

inline constexpr const char* bus_schema = R"({
  "type": "object",
  "properties": {
    "name": {
      "type": "string", "minLength": 1, "maxLength": 255, "default": "postbus",
      "description": "the source of the events published here"},
    "threads": {
      "type": "integer", "minimum": 0, "maximum": 1024, "default": 2,
      "description": "own worker threads; 0 = the executor of the application"},
    "features": {
      "type": "array", "items": {"type": "string", "minLength": 1}, "default": [],
      "description": "ids or files of plugins, in the order in which a publish meets them"},
    "plugin_path": {
      "type": "array", "items": {"type": "string", "minLength": 1}, "default": [],
      "description": "folders that are searched for plugins before the usual ones"},
    "wait": {
      "enum": ["sleep", "spin"], "default": "sleep",
      "description": "what a worker does when there is nothing to do: spinning costs a core and saves some microseconds"},
    "log_level": {
      "enum": ["trace", "debug", "info", "warn", "error", "off"], "default": "info",
      "description": "the least important that is logged"}
  }
})";

inline constexpr const char* transport_schema = R"({
  "type": "object",
  "properties": {
    "plugin": {
      "type": "string", "minLength": 1, "default": "memory",
      "description": "id or file of the transport"},
    "dispatch": {
      "enum": ["queued", "inline"], "default": "queued",
      "description": "whether handlers run on a worker, or on the thread that delivers"},
    "required": {
      "type": "boolean", "default": true,
      "description": "whether the bus refuses to start without it"},
    "data_max": {
      "type": "integer", "format": "bytes", "minimum": 1, "default": "16MiB",
      "description": "the most data of one event"},
    "codec": {
      "enum": ["msgpack"], "default": "msgpack",
      "description": "how an event is written on the wire"},
    "on_unavailable": {
      "enum": ["fail"], "default": "fail",
      "description": "what becomes of a publish while the transport cannot be reached"}
  }
})";

inline constexpr const char* feature_schema = R"({
  "type": "object",
  "properties": {
    "topics": {
      "type": "array", "items": {"type": "string"}, "minItems": 1,
      "description": "patterns of the topics it applies to; all, if it is left out"},
    "key": {
      "type": "string", "minLength": 1,
      "description": "what it goes by: id, header:NAME, param:NAME, or a template such as job-{user}"},
    "on_error": {
      "enum": ["refuse", "retry", "pass"], "default": "retry",
      "description": "what becomes of an item when it fails: refuse = the publish fails, the delivery is rejected; retry = the publish fails, the delivery is tried again; pass = as if it were not there"}
  }
})";

}  // namespace postbus::detail
