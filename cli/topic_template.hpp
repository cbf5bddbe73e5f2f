// topic_template: a topic whose segments are taken from a JSON document.
//
//   topic_template t("github:{/event}:{/payload/repository/name|-}");
//   t.fill(document)      // "github:push:lighthouse"
//
// A placeholder is {POINTER} or {POINTER|DEFAULT}: a JSON pointer (RFC 6901) to a text, a number or a boolean, and what stands there
// when the pointer leads to none of these, or to an empty text. What a topic's segment may not hold (':', '*', braces, white
// space, control characters) becomes '_' in the value. Everything else is literal.
#pragma once

#include <boost/json/value.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postbus::cli {

class topic_template {
 public:
  // Throws failure (usage) for a brace without its partner, what is no JSON pointer, and literal text that no topic may hold.
  explicit topic_template(std::string_view text);

  struct result {
    std::string topic;
    std::string fault;  // what is missing or cannot be used; empty when the topic is good
  };
  result fill(const boost::json::value& document) const;
  // What all its topics match: "github:*:*".
  std::string pattern() const;

 private:
  struct part {
    std::string literal;  // text in front of the placeholder
    std::optional<std::string> pointer, otherwise;
  };
  std::vector<part> parts_;
};

// `text` as a segment: every character that it may not hold replaced by '_'.
std::string segment_from(std::string_view text);

}  // namespace postbus::cli
