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
    "sample_every": {
      "type": "integer", "minimum": 0, "maximum": 1000000, "default": 64,
      "description": "one event in this many is timed for the histograms; 0 = none"},
    "delayed_max": {
      "type": "integer", "minimum": 0, "maximum": 100000000, "default": 1000000,
      "description": "events that wait in this process until they are due, at most; then publish says full"},
    "delayed_bytes_max": {
      "type": "integer", "format": "bytes", "minimum": 0, "default": "256MiB",
      "description": "bytes of their data, at most"},
    "admin": {
      "type": "string", "pattern": "^(unix:.+)?$", "default": "",
      "description": "the admin socket, as unix:PATH, for this user only; empty = none"},
    "admin_clients_max": {
      "type": "integer", "minimum": 1, "maximum": 65536, "default": 256,
      "description": "clients of the admin socket at once; one more is told so and turned away"},
    "admin_line_max": {
      "type": "integer", "format": "bytes", "minimum": 1024, "maximum": 1073741824, "default": "4MiB",
      "description": "the longest line that a client may send; a longer one ends its connection"},
    "admin_queue_max": {
      "type": "integer", "format": "bytes", "minimum": 1024, "maximum": 1073741824, "default": "4MiB",
      "description": "bytes that wait for a client that does not read; past that a tail loses events, which are counted, and nothing more is read from it"},
    "admin_timeout": {
      "type": "integer", "format": "duration", "minimum": 1, "default": "10s",
      "description": "how long the rest of a line may take that has begun"}
  }
})";

inline constexpr const char* log_schema = R"({
  "type": "object",
  "properties": {
    "level": {
      "enum": ["trace", "debug", "info", "warn", "error", "off"], "default": "info",
      "description": "the least important that is logged"},
    "modules": {
      "type": "object", "default": {},
      "additionalProperties": {"enum": ["trace", "debug", "info", "warn", "error", "off"]},
      "description": "levels of their own: for bus, admin, or the id of a plugin"},
    "format": {
      "enum": ["text", "json"], "default": "text",
      "description": "lines for people, or an object a line, on standard error"}
  }
})";

inline constexpr const char* transport_schema = R"({
  "type": "object",
  "properties": {
    "plugin": {
      "type": "string", "minLength": 1, "default": "memory",
      "description": "id or file of the transport"},
    "wrappers": {
      "type": "array", "items": {"type": "string", "minLength": 1}, "default": [],
      "description": "ids or files of plugins that stand between the bus and the transport, the outermost first; their settings are in [plugin.ID]"},
    "dispatch": {
      "enum": ["queued", "inline"], "default": "queued",
      "description": "whether handlers run on a worker, or on the thread that delivers"},
    "required": {
      "type": "boolean", "default": true,
      "description": "whether the bus refuses to start without it"},
    "data_max": {
      "type": "integer", "format": "bytes", "minimum": 1, "default": "16MiB",
      "description": "the most data of one event"},
    "like": {
      "type": "string", "minLength": 1,
      "description": "id or file of a transport whose limits this one takes on: what that one would refuse, this one refuses too"},
    "codec": {
      "enum": ["msgpack", "cloudevents+json", "raw"], "default": "msgpack",
      "description": "how an event is written on the wire; raw = its data alone, without attributes. A transport that has no wire keeps the limits of its codec"},
    "content_type": {
      "type": "string", "maxLength": 255, "default": "application/octet-stream",
      "description": "the MIME type of every event under the codec raw"},
    "on_unavailable": {
      "enum": ["fail", "buffer"], "default": "fail",
      "description": "a publish while the transport cannot be reached: it fails at once, or waits, in order, up to its deadline"},
    "sha256": {
      "type": "string", "pattern": "^[0-9a-fA-F]{64}$",
      "description": "the SHA-256 of the plugin's file, 64 hex digits: another file is refused"}
  }
})";

inline constexpr const char* route_schema = R"({
  "type": "object",
  "required": ["topics", "transport"],
  "properties": {
    "topics": {
      "type": "array", "items": {"type": "string"}, "minItems": 1,
      "description": "patterns of the topics that go this way; the first route that matches counts"},
    "transport": {
      "type": "string", "minLength": 1,
      "description": "the name of one of [transports], or default"}
  }
})";

inline constexpr const char* store_schema = R"({
  "type": "object",
  "properties": {
    "plugin": {
      "type": "string", "minLength": 1, "default": "auto",
      "description": "id or file of the store; auto = that of the library of the default transport, else memory-store; only if a plugin asks for one"},
    "wrappers": {
      "type": "array", "items": {"type": "string", "minLength": 1}, "default": [],
      "description": "ids or files of plugins that stand between the bus and the store, the outermost first; their settings are in [plugin.ID]"},
    "sha256": {
      "type": "string", "pattern": "^[0-9a-fA-F]{64}$",
      "description": "the SHA-256 of the plugin's file, 64 hex digits: another file is refused"}
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
      "description": "what it goes by: id, partitionkey, header:NAME, param:NAME, hash (of the data), json:/POINTER (into the data), or a template such as job-{user}"},
    "listens": {
      "type": "object", "additionalProperties": {"type": "string"},
      "description": "patterns and the methods that events on them call, besides those of the plugin; an empty method takes one of those away"},
    "on_error": {
      "enum": ["refuse", "retry", "pass"], "default": "retry",
      "description": "what becomes of an item when it fails: refuse = the publish fails, the delivery is rejected; retry = the publish fails, the delivery is tried again; pass = as if it were not there"},
    "sha256": {
      "type": "string", "pattern": "^[0-9a-fA-F]{64}$",
      "description": "the SHA-256 of the plugin's file, 64 hex digits: another file is refused"}
  }
})";

// Of [plugin.NAME], where NAME is a wrapper's: the other settings of a feature say nothing about it.
inline constexpr const char* wrapper_schema = R"({
  "type": "object",
  "properties": {
    "sha256": {
      "type": "string", "pattern": "^[0-9a-fA-F]{64}$",
      "description": "the SHA-256 of the plugin's file, 64 hex digits: another file is refused"}
  }
})";

}  // namespace postbus::detail
