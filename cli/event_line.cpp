#include "event_line.hpp"

#include "text.hpp"

#include <postbus/sdk/base64.hpp>

namespace postbus::cli {
namespace {

namespace json = boost::json;

std::string_view text_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

}  // namespace

std::string data_of(const json::object& event) {
  if (!event.contains("data_base64")) return std::string(text_at(event, "data"));
  return sdk::parse_base64(text_at(event, "data_base64")).value_or("");
}

std::string line_of(const json::object& event) {
  const bool text = !event.contains("data_base64");
  std::string line(text_at(event, "topic"));
  line.append("\t").append(escaped(text_at(event, "id"))).append("\t");
  if (text) line += escaped(text_at(event, "data"));
  else line.append("base64:").append(text_at(event, "data_base64"));
  return line + "\n";
}

}  // namespace postbus::cli
