// postbus/sdk/topic.hpp — what a topic is, what a pattern is, and when one matches the other.
//
//     if (auto fault = check_topic(text)) throw …(describe(fault, text));     // once, when first seen
//     if (matches("agent:{verb}:*", text)) …                                  // both checked before
//     captures("agent:{verb}:*", text, [](std::string_view name, std::string_view value) { … });
//
// A topic is 1 to 255 bytes of UTF-8: segments separated by ':', none of them empty, without white
// space (all of Unicode's), control characters (C0, DEL, C1), '*', '{' and '}'.
//
// A pattern is 1 to 255 bytes of segments, each one of
//     status      itself
//     *           exactly one segment
//     {user_id}   exactly one segment, captured; the name is [a-z_][a-z0-9_]*, once in a pattern
//     **          zero or more segments; the last segment only
// so every topic is also a pattern. A topic whose first segment is exactly `postbus` belongs to the
// bus: a wildcard in first position never matches it, `postbus:**` does. Text is compared byte by
// byte; no case folding, no Unicode normalization.
//
// Many patterns against one topic: topic_index.hpp. Everything here: any thread; nothing is kept.
#pragma once

#include <postbus/sdk/detail/topic_text.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace postbus::sdk {

inline constexpr std::size_t topic_bytes_max = 255;
inline constexpr std::size_t pattern_bytes_max = 255;
inline constexpr std::string_view reserved_first_segment = "postbus";

// What was being read; it decides which words describe() wants.
enum class grammar_role : std::uint8_t { topic, pattern };

// The first thing wrong with a text, read from left to right.
struct grammar_fault {
  enum class kind : std::uint8_t {
    none,                 // nothing: the text is good
    empty,                // no byte at all
    too_long,             // more than 255 bytes
    empty_segment,        // "::", or a ':' at either end
    whitespace,           // a white space character, ASCII or other
    control_character,    // U+0000–U+001F, U+007F–U+009F
    invalid_utf8,         // overlong, surrogate, beyond U+10FFFF, truncated or stray byte
    wildcard_in_topic,    // '*', '{' or '}' where an event is addressed
    wildcard_in_segment,  // '*' or a brace that is only part of a pattern's segment
    many_not_last,        // "**" with segments behind it
    capture_name,         // {…} whose name is not [a-z_][a-z0-9_]*
    capture_repeated      // a capture name used before in this pattern
  };

  kind what = kind::none;
  grammar_role role = grammar_role::topic;
  std::size_t offset = 0;  // in bytes, from 0; the text's size when something is missing at its end

  // True when there is a fault.
  explicit operator bool() const noexcept { return what != kind::none; }
};

// The first fault of `text` as a topic. Cost: 7 ns for 20 bytes of ASCII, 10 for 30;
// 2 to 3 ns a byte below 8 bytes and beyond ASCII.
[[nodiscard]] inline grammar_fault check_topic(std::string_view text) noexcept;

// The first fault of `text` as a pattern. Cost: as a topic's when there is no wildcard,
// else 6 ns a byte.
[[nodiscard]] inline grammar_fault check_pattern(std::string_view text) noexcept;

// Whether `topic` lies in the part of the name space that belongs to the bus (its first segment is
// exactly `postbus`). Such a topic is valid; who may publish on it is the bus's decision.
[[nodiscard]] inline bool is_reserved(std::string_view topic) noexcept {
  return topic.substr(0, reserved_first_segment.size()) == reserved_first_segment &&
         (topic.size() == reserved_first_segment.size() || topic[reserved_first_segment.size()] == ':');
}

// Whether `pattern` holds a wildcard segment: if not, it matches the topic spelled like it, only.
[[nodiscard]] inline bool has_wildcard(std::string_view pattern) noexcept {
  return pattern.find_first_of("*{") != std::string_view::npos;
}

// Whether `topic` is one of those `pattern` stands for. Both must have passed their check; for other
// text the answer is unspecified, and still no byte outside the two views is read.
// Cost: one pass over both (40 ns for 30 bytes), no allocation.
[[nodiscard]] inline bool matches(std::string_view pattern, std::string_view topic) noexcept {
  detail::segment_reader wanted{pattern};
  detail::segment_reader given{topic};
  bool shut_to_wildcards = is_reserved(topic);  // holds for the first segment only
  while (!wanted.done()) {
    const std::string_view want = wanted.next();
    const bool wildcard = detail::is_wildcard(want);
    if (wildcard && shut_to_wildcards) return false;
    shut_to_wildcards = false;
    if (want == "**") return true;
    if (given.done()) return false;
    const std::string_view segment = given.next();
    if (!wildcard && want != segment) return false;
  }
  return given.done();
}

// Calls fn(name, value) for each {name} of `pattern`, left to right, with the segment of `topic` it
// stands for, and returns true; returns false, having called nothing, when they do not match.
// Both views point into the arguments. What fn throws passes through. Cost: twice that of matches().
template <class Fn>
bool captures(std::string_view pattern, std::string_view topic, Fn&& fn) {
  if (!matches(pattern, topic)) return false;
  detail::segment_reader wanted{pattern};
  detail::segment_reader given{topic};
  while (!wanted.done() && !given.done()) {
    const std::string_view want = wanted.next();
    const std::string_view segment = given.next();
    if (detail::is_capture(want)) fn(want.substr(1, want.size() - 2), segment);
  }
  return true;
}

// `fault`, which a check of `text` returned, as a sentence for a person: what was found and where,
// what was wanted, what to do. Unprintable bytes are shown as \xHH; of a long text the part around
// the fault. Empty when there is no fault. Errors: std::bad_alloc.
[[nodiscard]] inline std::string describe(const grammar_fault& fault, std::string_view text);

}  // namespace postbus::sdk

#include <postbus/sdk/detail/topic_check.hpp>
#include <postbus/sdk/detail/topic_describe.hpp>
