#include "event_json.hpp"

#include "text.hpp"

#include <cstdio>
#include <ctime>

namespace postbus::cli {
namespace {

namespace json = boost::json;

// RFC 3339 with milliseconds, in UTC.
std::string timestamp(std::chrono::system_clock::time_point time) {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
  const std::time_t seconds = static_cast<std::time_t>(ms / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  const std::size_t n = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text + n, sizeof text - n, ".%03dZ", static_cast<int>(ms % 1000));
  return text;
}

std::string_view text_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

}  // namespace

void put_data(json::object& object, std::string_view data) {
  if (is_utf8(data)) object["data"] = data;
  else object["data_base64"] = base64_encode(data);
}

json::object to_json(const delivery& d) {
  json::object event{
      {"topic", d.topic()}, {"id", d.id()}, {"source", d.source()}, {"time", timestamp(d.time())}};
  if (!d.key().empty()) event["key"] = d.key();
  if (!d.content_type().empty()) event["content_type"] = d.content_type();
  if (const auto headers = d.headers(); !headers.empty()) {
    json::object& to = event["headers"].emplace_object();
    for (const header& h : headers) to[h.name] = h.value;
  }
  put_data(event, d.text());
  return event;
}

std::string line_of(const json::object& event) {
  const bool text = !event.contains("data_base64");
  std::string line(text_at(event, "topic"));
  line.append("\t").append(one_line(text_at(event, "id"))).append("\t");
  if (text) line += one_line(text_at(event, "data"));
  else line.append("base64:").append(text_at(event, "data_base64"));
  return line + "\n";
}

}  // namespace postbus::cli
