// Part of <postbus/sdk/topic.hpp>: walking the segments of a topic or pattern.
#pragma once

#include <cstddef>
#include <string_view>

namespace postbus::sdk::detail {

// The segments of a text, left to right. "a:b" has two, "a:" has two, "" has one (an empty one).
class segment_reader {
 public:
  explicit segment_reader(std::string_view text, std::size_t from = 0) noexcept : text_(text), at_(from) {}

  [[nodiscard]] bool done() const noexcept { return at_ > text_.size(); }

  // Where the next segment begins; one past the text's end when done().
  [[nodiscard]] std::size_t offset() const noexcept { return at_; }

  // Requires !done().
  [[nodiscard]] std::string_view next() noexcept {
    const std::size_t begin = at_;
    // A plain loop: segments are short, a call of memchr costs more than it finds.
    while (at_ < text_.size() && text_[at_] != ':') ++at_;
    const std::string_view segment(text_.data() + begin, at_ - begin);
    ++at_;
    return segment;
  }

 private:
  std::string_view text_;
  std::size_t at_;
};

// The two below are about segments of a checked pattern, where a first byte tells all.
[[nodiscard]] inline bool is_capture(std::string_view segment) noexcept {
  return !segment.empty() && segment.front() == '{' && segment.size() > 2;
}

[[nodiscard]] inline bool is_wildcard(std::string_view segment) noexcept {
  return !segment.empty() && (segment.front() == '*' || segment.front() == '{');
}

}  // namespace postbus::sdk::detail
