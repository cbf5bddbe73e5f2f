#include "attribute.hpp"
#include "codec_cloudevents_json.hpp"
#include "media_type.hpp"
#include "text/json_text.hpp"
#include "timestamp.hpp"

#include <postbus/sdk/abi.hpp>
#include <postbus/sdk/base64.hpp>
#include <postbus/sdk/text.hpp>

#include <algorithm>
#include <span>

namespace postbus::detail {
namespace {

// `before` is all of the punctuation: ,"id": for instance.
void put(std::string& out, std::string_view before, std::string_view text) {
  out += before;
  append_json_string(out, text);
}

// A document has each name once; sdk::header() finds the first, too.
bool may_be_written(std::span<const postbus_pair> headers, const postbus_pair& header) noexcept {
  const std::string_view name = sdk::view(header.name);
  const auto before = headers.first(static_cast<std::size_t>(&header - headers.data()));
  return is_header_name_on_wire(name) &&
         std::none_of(before.begin(), before.end(),
                      [&](const postbus_pair& h) { return sdk::view(h.name) == name; });
}

void put_data(std::string& out, std::string_view content_type, std::string_view data) {
  const bool json = content_type.empty() || is_json_type(content_type);  // as the specification says
  if (json && is_json_value(data, json_data_depth_max)) {
    out += R"(,"data":)";
    out += data;
  } else if (!json && is_text_type(content_type) && sdk::is_utf8(data)) {
    put(out, R"(,"data":)", data);
  } else {
    out += R"(,"data_base64":")";
    sdk::append_base64(out, data);
    out += '"';
  }
}

}  // namespace

void encode_cloudevents_json(const postbus_event& event, std::string& out) {
  out.clear();
  put(out, R"({"specversion":"1.0","id":)", sdk::view(event.id));
  put(out, R"(,"source":)", event.source.len != 0 ? sdk::view(event.source) : "unknown");
  put(out, R"(,"type":)", sdk::view(event.topic));
  out += R"(,"time":")";
  append_timestamp(out, event.time_ns);
  out += '"';
  if (event.content_type.len != 0) put(out, R"(,"datacontenttype":)", sdk::view(event.content_type));
  if (event.key.len != 0) put(out, R"(,"partitionkey":)", sdk::view(event.key));
  if (event.expires_ns != 0) {
    out += R"(,"expirytime":")";
    append_timestamp(out, event.expires_ns);
    out += '"';
  }
  const std::span headers{event.headers, event.header_count};
  for (const postbus_pair& header : headers) {
    if (!may_be_written(headers, header)) continue;
    out += ",\"";
    out += sdk::view(header.name);
    put(out, "\":", sdk::view(header.value));
  }
  if (event.data.len != 0) put_data(out, sdk::view(event.content_type), sdk::view(event.data));
  out += '}';
}

}  // namespace postbus::detail
