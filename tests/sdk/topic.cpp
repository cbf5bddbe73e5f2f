// The grammar of topics and patterns, and what matches what.
#include "../support/catch.hpp"

#include <postbus/sdk/topic.hpp>

#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using postbus::sdk::captures;
using postbus::sdk::check_pattern;
using postbus::sdk::check_topic;
using postbus::sdk::describe;
using postbus::sdk::grammar_fault;
using postbus::sdk::grammar_role;
using postbus::sdk::matches;
using kind = postbus::sdk::grammar_fault::kind;
using namespace std::string_view_literals;

void check_fault(const grammar_fault& fault, grammar_role role, kind what, std::size_t offset) {
  CHECK(static_cast<int>(fault.what) == static_cast<int>(what));
  CHECK(fault.offset == offset);
  CHECK((fault.role == role));
  CHECK(static_cast<bool>(fault) == (what != kind::none));
}

void topic_is(std::string_view text, kind what, std::size_t offset = 0) {
  CAPTURE(text);
  check_fault(check_topic(text), grammar_role::topic, what, offset);
}

void pattern_is(std::string_view text, kind what, std::size_t offset = 0) {
  CAPTURE(text);
  check_fault(check_pattern(text), grammar_role::pattern, what, offset);
}

// Faults of characters and of empty segments are the same in both.
void both_are(std::string_view text, kind what, std::size_t offset = 0) {
  topic_is(text, what, offset);
  pattern_is(text, what, offset);
}

using pairs = std::vector<std::pair<std::string, std::string>>;

pairs captured(std::string_view pattern, std::string_view topic) {
  pairs found;
  const bool matched = captures(pattern, topic, [&](std::string_view name, std::string_view value) {
    found.emplace_back(name, value);
  });
  CHECK(matched == matches(pattern, topic));
  return found;
}

}  // namespace

TEST_CASE("ordinary topics are good, and good patterns too", "[topic]") {
  for (const auto text : {"a", "a:b", "jobs:created", "agent:status:184467", "postbus:reply:x1", "postbus",
                          "A_b-c.d/e~f|g", "0:1:2:3:4:5:6:7:8:9", "a:b:c:d:e:f:g:h:i"}) {
    both_are(text, kind::none);
  }
}

TEST_CASE("a topic has 1 to 255 bytes", "[topic]") {
  both_are("", kind::empty);
  both_are({}, kind::empty);
  both_are(std::string(255, 'x'), kind::none);
  both_are(std::string(256, 'x'), kind::too_long, 255);
  both_are(std::string(100'000, ':'), kind::too_long, 255);

  std::string with_umlaut(253, 'x');
  with_umlaut += "ü";
  both_are(with_umlaut, kind::none);
  both_are("x" + with_umlaut, kind::too_long, 255);

  std::string many_segments = "s";
  while (many_segments.size() < 255) many_segments += ":s";
  both_are(many_segments, kind::none);
}

TEST_CASE("no segment is empty", "[topic]") {
  both_are(":", kind::empty_segment, 0);
  both_are(":a", kind::empty_segment, 0);
  both_are("a:", kind::empty_segment, 2);
  both_are("a::b", kind::empty_segment, 2);
  both_are(":agent:status", kind::empty_segment, 0);
  both_are("agent:status:", kind::empty_segment, 13);
  // A pair of colons at each place of a long text: none may fall between the words of the fast check.
  for (std::size_t at = 1; at + 3 < 60; ++at) {
    std::string text(60, 'x');
    text[at] = text[at + 1] = ':';
    both_are(text, kind::empty_segment, at + 1);
  }
}

TEST_CASE("each byte is allowed or not, wherever it stands", "[topic]") {
  for (const std::size_t size : {1U, 3U, 7U, 8U, 9U, 15U, 16U, 17U, 22U, 23U, 64U}) {
    for (std::size_t at = 0; at < size; ++at) {
      for (unsigned byte = 0; byte < 128; ++byte) {
        std::string text(size, 'x');
        const char c = static_cast<char>(byte);
        text[at] = c;
        const bool white = c == ' ' || (byte >= 9 && byte <= 13);
        const bool wildcard = c == '*' || c == '{' || c == '}';
        kind wanted = kind::none;
        std::size_t offset = at;
        if (white) wanted = kind::whitespace;
        else if (byte < 32 || byte == 127) wanted = kind::control_character;
        else if (wildcard) wanted = kind::wildcard_in_topic;
        else if (c == ':' && (at == 0 || at + 1 == size)) {
          wanted = kind::empty_segment;
          offset = at == 0 ? 0 : size;
        }
        const grammar_fault fault = check_topic(text);
        if (fault.what != wanted || fault.offset != (wanted == kind::none ? 0 : offset)) {
          CAPTURE(size, at, byte);
          topic_is(text, wanted, offset);
        }
      }
    }
  }
}

TEST_CASE("white space and controls are refused, ASCII or not", "[topic]") {
  both_are("a b", kind::whitespace, 1);
  both_are("agent:status:42 ", kind::whitespace, 15);
  both_are("a:\tb", kind::whitespace, 2);
  both_are("a\n", kind::whitespace, 1);
  both_are("a\0b"sv, kind::control_character, 1);
  both_are("a\x7f", kind::control_character, 1);
  both_are("a\u0085", kind::whitespace, 1);         // next line
  both_are("a\u009f", kind::control_character, 1);  // C1
  for (const auto space :
       {"\u00a0", "\u1680", "\u2000", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"}) {
    both_are("ab:" + std::string(space) + "c", kind::whitespace, 3);
  }
  both_are("a\u00a1\u1681\u200b\u3001", kind::none);  // their neighbours
}

TEST_CASE("text is UTF-8, strictly", "[topic]") {
  for (const auto good : {"gr\u00fcn:\u65e5\u672c:\U0001F680", "\u07ff", "\u0800", "\ud7ff", "\ue000",
                          "\uffff", "\U00010000", "\U0010ffff"}) {
    both_are(good, kind::none);
  }
  for (const auto bad : {"\x80"sv,
                         "\xbf"sv,  // a continuation without a lead
                         "\xc0\xaf"sv,
                         "\xc1\xbf"sv,  // overlong, two bytes
                         "\xe0\x80\xaf"sv,
                         "\xe0\x9f\xbf"sv,  // overlong, three
                         "\xf0\x80\x80\xaf"sv,
                         "\xf0\x8f\xbf\xbf"sv,  // overlong, four
                         "\xed\xa0\x80"sv,
                         "\xed\xbf\xbf"sv,  // surrogates
                         "\xf4\x90\x80\x80"sv,
                         "\xf5\x80\x80\x80"sv,  // beyond U+10FFFF
                         "\xfe"sv,
                         "\xff"sv,  // never in UTF-8
                         "\xc3"sv,
                         "\xe2\x82"sv,
                         "\xf0\x9f\x9a"sv,  // truncated by the end
                         "\xc3:x"sv,
                         "\xe2\x82:x"sv,
                         "\xc3\xc3"sv}) {  // truncated by another character
    both_are("ab:" + std::string(bad), kind::invalid_utf8, 3);
    both_are("a-long-enough-segment:" + std::string(bad), kind::invalid_utf8, 22);
  }
}

TEST_CASE("a topic holds no wildcard", "[topic]") {
  topic_is("*", kind::wildcard_in_topic, 0);
  topic_is("jobs:**", kind::wildcard_in_topic, 5);
  topic_is("jobs:{user_id}:done", kind::wildcard_in_topic, 5);
  topic_is("jobs}", kind::wildcard_in_topic, 4);
}

TEST_CASE("a wildcard is a whole segment of a pattern", "[topic]") {
  for (const auto text :
       {"*", "**", "*:*", "a:*:b", "{x}", "{a}:{b}:{_c9}", "a:**", "*:**", "{user_id}:**", "postbus:**"}) {
    pattern_is(text, kind::none);
  }
  pattern_is("a*", kind::wildcard_in_segment, 1);
  pattern_is("job:a*b:c", kind::wildcard_in_segment, 5);
  pattern_is("***", kind::wildcard_in_segment, 0);
  pattern_is("a:{x}y", kind::wildcard_in_segment, 2);
  pattern_is("a:y{x}", kind::wildcard_in_segment, 3);
  pattern_is("{x", kind::wildcard_in_segment, 0);
  pattern_is("x}", kind::wildcard_in_segment, 1);
  pattern_is("{", kind::wildcard_in_segment, 0);
  pattern_is("{x}{y}", kind::wildcard_in_segment, 0);
  pattern_is("{{x}}", kind::wildcard_in_segment, 0);
  pattern_is("{*}", kind::wildcard_in_segment, 0);
  pattern_is("{x:y}", kind::wildcard_in_segment, 0);
}

TEST_CASE("** stands last", "[topic]") {
  pattern_is("**:a", kind::many_not_last, 0);
  pattern_is("a:**:*", kind::many_not_last, 2);
  pattern_is("a:**:**", kind::many_not_last, 2);
  pattern_is("a:**:", kind::many_not_last, 2);
}

TEST_CASE("a capture has a name, once", "[topic]") {
  pattern_is("{}", kind::capture_name, 1);
  pattern_is("a:{User}", kind::capture_name, 3);
  pattern_is("a:{us-er}", kind::capture_name, 5);
  pattern_is("a:{9x}", kind::capture_name, 3);
  pattern_is("a:{\u00fc}", kind::capture_name, 3);
  pattern_is("{x}:{x}", kind::capture_repeated, 4);
  pattern_is("{x}:b:{y}:{x}:**", kind::capture_repeated, 10);
  pattern_is("x:{x}:{xx}", kind::none);
}

TEST_CASE("the first fault from the left is reported", "[topic]") {
  topic_is("a b::*", kind::whitespace, 1);
  pattern_is("a:{X}: b", kind::capture_name, 3);
  pattern_is("a*b c", kind::whitespace, 3);  // within a segment, its characters come first
}

TEST_CASE("a fault says what was found, wanted, and what to do", "[topic]") {
  const auto of_topic = [](std::string_view text) { return describe(check_topic(text), text); };
  const auto of_pattern = [](std::string_view text) { return describe(check_pattern(text), text); };
  CHECK(of_topic("a:b").empty());
  CHECK(of_topic("jobs done") ==
        "topic \"jobs done\": found white space at byte 4, wanted none; "
        "use '_' or '-' instead, and trim what comes from a file or a person");
  CHECK(of_topic("a:") ==
        "topic \"a:\": found an empty segment at byte 2 (its end), wanted at least one character "
        "before, between and after ':'; remove the extra ':' or fill the segment in");
  CHECK(of_topic("") ==
        "topic \"\": found no text, wanted 1 to 255 bytes; give a topic such as jobs:created");
  CHECK(of_pattern("a:{X}") ==
        "pattern \"a:{X}\": found a bad capture name at byte 3, wanted {name} with name as "
        "[a-z_][a-z0-9_]*; rename it, for example to {user_id}");

  // What is shown is printable and bounded.
  CHECK(of_topic("a\"\\\x1b\xff").find(R"("a\"\\\x1b\xff")") != std::string::npos);
  const std::string long_one = of_topic(std::string(100'000, 'x'));
  CHECK(long_one.find("found more (100000 bytes), wanted at most 255 bytes") != std::string::npos);
  CHECK(long_one.find("\"…xxx") != std::string::npos);
  CHECK(long_one.size() < 300);

  for (const auto text : {"", ":", "a b", "\x01", "\xff", "a*", "**:a", "{}", "{x}:{x}"}) {
    CAPTURE(text);
    for (const std::string& sentence : {of_topic(text), of_pattern(text)}) {
      CHECK(sentence.find(": found ") != std::string::npos);
      CHECK(sentence.find(", wanted ") != std::string::npos);
      CHECK(sentence.find("; ") != std::string::npos);
    }
  }
}

TEST_CASE("literal segments match themselves", "[topic]") {
  CHECK(matches("a:b", "a:b"));
  CHECK_FALSE(matches("a:b", "a:c"));
  CHECK_FALSE(matches("a:b", "a"));
  CHECK_FALSE(matches("a", "a:b"));
  CHECK_FALSE(matches("a:b", "a:bb"));
  CHECK_FALSE(matches("a:bb", "a:b"));
  CHECK_FALSE(matches("a:b", "A:b"));
}

TEST_CASE("a star matches exactly one segment", "[topic]") {
  CHECK(matches("*", "a"));
  CHECK(matches("a:*", "a:b"));
  CHECK(matches("*:b", "a:b"));
  CHECK(matches("a:*:c", "a:b:c"));
  CHECK_FALSE(matches("a:*", "a"));
  CHECK_FALSE(matches("a:*", "a:b:c"));
  CHECK_FALSE(matches("a:*:c", "a:c"));
  CHECK_FALSE(matches("*", "a:b"));
}

TEST_CASE("a double star matches the rest, also none", "[topic]") {
  CHECK(matches("**", "a"));
  CHECK(matches("**", "a:b:c"));
  CHECK(matches("a:**", "a"));
  CHECK(matches("a:**", "a:b"));
  CHECK(matches("a:*:**", "a:b"));
  CHECK_FALSE(matches("a:*:**", "a"));
  CHECK_FALSE(matches("a:**", "ab"));
  CHECK_FALSE(matches("a:**", "b:a"));
}

TEST_CASE("a capture matches exactly one segment", "[topic]") {
  CHECK(captured("jobs:{user_id}:**", "jobs:42:run:now") == pairs{{"user_id", "42"}});
  CHECK(captured("jobs:{user_id}:**", "jobs:42") == pairs{{"user_id", "42"}});
  CHECK(captured("{a}:x:{b}", "1:x:2") == pairs{{"a", "1"}, {"b", "2"}});
  CHECK(captured("{a}:*:{b}", "gr\u00fcn:x:2") == pairs{{"a", "gr\u00fcn"}, {"b", "2"}});
  CHECK(captured("jobs:{user_id}", "jobs:42:run").empty());
  CHECK(captured("jobs:{user_id}", "jobs").empty());
  CHECK(captured("{a}:{b}:x", "1:2:y").empty());
  CHECK(captured("jobs:*", "jobs:42").empty());
  CHECK(captures("jobs:*", "jobs:42", [](auto, auto) {}));
}

TEST_CASE("no wildcard reaches the reserved part", "[topic]") {
  for (const auto pattern : {"*", "{x}", "**", "*:reply", "{x}:reply", "*:**", "{x}:*"}) {
    CAPTURE(pattern);
    CHECK_FALSE(matches(pattern, "postbus"));
    CHECK_FALSE(matches(pattern, "postbus:reply"));
    CHECK(captured(pattern, "postbus:reply").empty());
  }
  CHECK(matches("postbus", "postbus"));
  CHECK(matches("postbus:**", "postbus"));
  CHECK(matches("postbus:**", "postbus:reply:x"));
  CHECK(matches("postbus:*", "postbus:dead"));
  CHECK(captured("postbus:{what}", "postbus:dead") == pairs{{"what", "dead"}});
  // Only the whole first segment is reserved.
  CHECK(matches("**", "postbus2:x"));
  CHECK(matches("*", "postbu"));
  CHECK(matches("a:*", "a:postbus"));
  CHECK(matches("*:*", "a:postbus"));
  CHECK(postbus::sdk::is_reserved("postbus"));
  CHECK(postbus::sdk::is_reserved("postbus:x"));
  CHECK_FALSE(postbus::sdk::is_reserved("postbusx"));
  CHECK_FALSE(postbus::sdk::is_reserved("postbu"));
  CHECK_FALSE(postbus::sdk::is_reserved("x:postbus"));
}

TEST_CASE("matching and checking read no byte outside any text", "[topic]") {
  // Random bytes, most of them nonsense, in blocks of their exact size; a sanitizer is the judge.
  std::mt19937 random(1);
  constexpr auto alphabet = ":ab*{}_\xc3\xbc\xf0 \x01"sv;
  std::vector<std::vector<char>> texts;
  for (int i = 0; i < 400; ++i) {
    std::vector<char> text(random() % 24);
    for (char& c : text) c = alphabet[random() % alphabet.size()];
    text.shrink_to_fit();
    texts.push_back(std::move(text));
  }
  std::size_t matched = 0;
  for (const auto& a : texts) {
    const std::string_view pattern(a.data(), a.size());
    static_cast<void>(describe(check_pattern(pattern), pattern));
    // A good topic is a good pattern.
    if (!check_topic(pattern)) CHECK_FALSE(check_pattern(pattern));
    for (const auto& b : texts) {
      const std::string_view topic(b.data(), b.size());
      matched += captures(pattern, topic, [](auto, auto) {}) ? 1U : 0U;
    }
  }
  CHECK(matched > 0);
}
