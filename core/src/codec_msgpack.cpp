#include "codec_msgpack.hpp"

#include "event_record.hpp"

#include <postbus/sdk/abi.hpp>
#include <postbus/sdk/topic.hpp>

#include <msgpack.hpp>

#include <vector>

namespace postbus::detail {
namespace {

struct appender {
  std::string& out;
  void write(const char* data, std::size_t size) { out.append(data, size); }
};

using packer = msgpack::packer<appender>;

void put(packer& p, std::string_view text) {
  p.pack_str(static_cast<std::uint32_t>(text.size()));
  p.pack_str_body(text.data(), static_cast<std::uint32_t>(text.size()));
}

// The decoder's state while msgpack's parser walks through the map. Views point into the wire.
struct reader : msgpack::null_visitor {
  postbus_event event{};
  std::vector<postbus_pair> headers;
  std::string why;

  bool start_map(std::uint32_t) {
    if (depth == 1) in_headers = key == "ext";
    return ++depth <= 2 || fail("maps nested too deep");
  }
  bool end_map() { return --depth, true; }
  bool start_array(std::uint32_t) { return fail("an array where none belongs"); }
  bool start_map_key() { return expects_key = true; }
  bool end_map_key() { return expects_key = false, true; }
  bool visit_str(const char* text, std::uint32_t size) {
    const std::string_view value(text, size);
    if (expects_key) return key = value, true;
    if (depth == 0) return fail("no map");
    if (depth == 2) {
      if (in_headers) headers.push_back({sdk::str(key), sdk::str(value)});
      return true;
    }
    if (key == "id") event.id = sdk::str(value);
    else if (key == "source") event.source = sdk::str(value);
    else if (key == "type") event.topic = sdk::str(value);
    else if (key == "datacontenttype") event.content_type = sdk::str(value);
    else if (key == "partitionkey") event.key = sdk::str(value);
    return true;
  }
  bool visit_bin(const char* data, std::uint32_t size) {
    if (depth == 1 && key == "data") event.data = sdk::bytes({data, size});
    return depth >= 1 || fail("no map");
  }
  bool visit_positive_integer(std::uint64_t value) { return visit_time(static_cast<std::int64_t>(value)); }
  bool visit_negative_integer(std::int64_t value) { return visit_time(value); }
  bool visit_time(std::int64_t value) {
    if (depth != 1) return fail("no map");
    if (key == "time") event.time_ns = value;
    else if (key == "expirytime") event.expires_ns = value;
    return true;
  }
  bool visit_nil() { return depth >= 1 || fail("no map"); }
  bool visit_boolean(bool) { return depth >= 1 || fail("no map"); }
  void parse_error(std::size_t, std::size_t at) { fail("not msgpack at byte " + std::to_string(at)); }
  void insufficient_bytes(std::size_t, std::size_t at) { fail("cut off at byte " + std::to_string(at)); }

 private:
  bool fail(std::string what) {
    if (why.empty()) why = std::move(what);
    return false;
  }
  std::string_view key;
  unsigned depth = 0;
  bool expects_key = false, in_headers = false;
};

}  // namespace

void encode_msgpack(const postbus_event& event, std::string& out) {
  out.clear();
  appender to{out};
  packer p(to);
  const auto texts = {std::pair{"id", event.id},
                      {"source", event.source},
                      {"type", event.topic},
                      {"datacontenttype", event.content_type},
                      {"partitionkey", event.key}};
  std::uint32_t entries = 2;  // time and data
  for (const auto& [name, value] : texts) entries += value.len != 0;
  entries += (event.expires_ns != 0) + (event.header_count != 0);
  p.pack_map(entries);
  for (const auto& [name, value] : texts)
    if (value.len != 0) put(p, name), put(p, sdk::view(value));
  put(p, "time"), p.pack_int64(event.time_ns);
  if (event.expires_ns != 0) put(p, "expirytime"), p.pack_int64(event.expires_ns);
  if (event.header_count != 0) {
    put(p, "ext"), p.pack_map(static_cast<std::uint32_t>(event.header_count));
    for (std::size_t i = 0; i < event.header_count; ++i)
      put(p, sdk::view(event.headers[i].name)), put(p, sdk::view(event.headers[i].value));
  }
  put(p, "data"), p.pack_bin(static_cast<std::uint32_t>(event.data.len));
  p.pack_bin_body(reinterpret_cast<const char*>(event.data.ptr), static_cast<std::uint32_t>(event.data.len));
}

event_record* decode_msgpack(const postbus_owned& wire, id_source& ids, std::string& why) {
  reader r;
  std::size_t at = 0;
  const std::string_view text = sdk::view(wire.bytes);
  if (!msgpack::parse(text.data(), text.size(), at, r) || !r.why.empty() || at != text.size()) {
    why = !r.why.empty() ? r.why : "more bytes behind the map, from byte " + std::to_string(at);
    return nullptr;
  }
  if (r.event.topic.len == 0 || r.event.id.len == 0) {
    why = r.event.topic.len == 0 ? "no 'type'" : "no 'id'";
    return nullptr;
  }
  if (sdk::check_topic(sdk::view(r.event.topic))) {
    why = "'type' is no topic";
    return nullptr;
  }
  r.event.size = sizeof r.event;
  r.event.headers = r.headers.data();
  r.event.header_count = r.headers.size();
  const postbus_owned data{r.event.data, wire.release, wire.ctx};
  return new_event(r.event, &data, ids);
}

}  // namespace postbus::detail
