#include "topic_template.hpp"

#include "failure.hpp"
#include "text.hpp"

#include <postbus/sdk/topic.hpp>

#include <boost/json/serialize.hpp>

namespace postbus::cli {
namespace {

namespace json = boost::json;

bool is_pointer(std::string_view text) {
  if (!text.starts_with('/')) return false;
  for (std::size_t i = text.find('~'); i != std::string_view::npos; i = text.find('~', i + 1))
    if (i + 1 == text.size() || (text[i + 1] != '0' && text[i + 1] != '1')) return false;
  return true;
}

failure wrong(std::string_view whole, const std::string& found) {
  return usage(found + " in the topic template \"" + std::string(whole) + "\"",
               "text and placeholders such as {/event} or {/payload/repository/name|-}, each a JSON pointer "
               "and perhaps a default",
               "see `postbus pub --help`");
}

// The value as text; nothing when there is none to use; `kind` says what else it is.
std::optional<std::string> text_of(const json::value& value, std::string& kind) {
  switch (value.kind()) {
    case json::kind::string:
      return std::string(value.get_string());
    case json::kind::int64:
    case json::kind::uint64:
    case json::kind::double_:
    case json::kind::bool_:
      return json::serialize(value);
    case json::kind::null:
      kind = "null";
      return std::nullopt;
    default:
      kind = value.is_array() ? "an array" : "an object";
      return std::nullopt;
  }
}

}  // namespace

std::string segment_from(std::string_view text) {
  std::string segment;
  while (!text.empty()) {
    const std::size_t length = sdk::detail::decode_utf8(text).size;
    const std::string_view character = text.substr(0, length == 0 ? 1 : length);
    // A ':' alone is two empty segments, so that this refuses it too.
    if (sdk::check_topic(character)) segment += '_';
    else segment += character;
    text.remove_prefix(character.size());
  }
  return segment;
}

topic_template::topic_template(std::string_view text) {
  std::string sample;  // what a topic of this template looks like
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t open = rest.find_first_of("{}");
    part p{std::string(rest.substr(0, open)), {}, {}};
    sample += p.literal;
    rest.remove_prefix(std::min(open, rest.size()));
    if (!rest.empty()) {
      const std::size_t end = rest.find('}');
      if (rest.front() == '}' || end == std::string_view::npos)
        throw wrong(text, "a brace without its partner");
      const std::string_view inside = rest.substr(1, end - 1);
      const std::size_t bar = inside.find('|');
      p.pointer = inside.substr(0, bar);
      if (bar != std::string_view::npos) p.otherwise = inside.substr(bar + 1);
      if (!is_pointer(*p.pointer))
        throw wrong(text, "{" + std::string(inside) + "}, which is no JSON pointer,");
      if (p.otherwise && (p.otherwise->empty() || segment_from(*p.otherwise) != *p.otherwise))
        throw wrong(text, "the default \"" + *p.otherwise + "\", which no topic may hold,");
      sample += 'x';
      rest.remove_prefix(end + 1);
    }
    parts_.push_back(std::move(p));
  }
  if (const auto fault = sdk::check_topic(sample); fault)
    throw usage("the topic template \"" + std::string(text) + "\", whose topics would be like " +
                    sdk::describe(fault, sample),
                "", "");
}

std::string topic_template::pattern() const {
  std::string text;
  bool filled = false;  // the segment has a placeholder
  for (const part& p : parts_) {
    for (const char c : p.literal) {
      if (c == ':') filled = false;
      if (!filled) text += c;
    }
    if (!p.pointer || filled) continue;
    filled = true;
    text.erase(text.rfind(':') + 1);  // all of it, where there is none
    text += '*';
  }
  return text;
}

topic_template::result topic_template::fill(const json::value& document) const {
  result r;
  for (const part& p : parts_) {
    r.topic += p.literal;
    if (!p.pointer) continue;
    boost::system::error_code ec;
    const json::value* found = document.find_pointer(*p.pointer, ec);
    std::string kind = "nothing";
    std::optional<std::string> value = found != nullptr ? text_of(*found, kind) : std::nullopt;
    if (value && value->empty()) {
      value.reset();
      kind = "an empty text";
    }
    if (!value) value = p.otherwise;
    if (!value) {
      r.fault = "found " + kind + " at " + *p.pointer + "; wanted a text or a number there, or a default";
      return r;
    }
    r.topic += segment_from(*value);
  }
  if (const auto fault = sdk::check_topic(r.topic); fault) r.fault = sdk::describe(fault, r.topic);
  return r;
}

}  // namespace postbus::cli
