#include "text.hpp"

#include "support/catch.hpp"

using namespace postbus::cli;

TEST_CASE("UTF-8 is told from other bytes", "[cli][text]") {
  CHECK(is_utf8(""));
  CHECK(is_utf8("plain, Zürich, 人, 🚢"));
  for (const char* wrong : {"\x80", "\xc0\x80", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                            "\xff", "a\xf0\x9f\x9a"}) {
    CAPTURE(wrong);
    CHECK_FALSE(is_utf8(wrong));
  }
  CHECK(characters("Zürich人🚢") == 8);
}

TEST_CASE("base64 is as RFC 4648 has it, and back", "[cli][text]") {
  const std::pair<std::string, std::string> pairs[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"\xff\xfe\xfd", "//79"},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : pairs) {
    CHECK(base64_encode(bytes) == text);
    CHECK(base64_decode(text) == bytes);
  }
  CHECK_FALSE(base64_decode("abc"));
  CHECK_FALSE(base64_decode("ab!="));
}

TEST_CASE("any text fits on one line", "[cli][text]") {
  CHECK(one_line("a\tb\nc\rd\\e\x01\x7f ü") == "a\\tb\\nc\\rd\\\\e\\u0001\\u007f ü");
}

TEST_CASE("lines are broken at spaces", "[cli][text]") {
  CHECK(wrap("one two three", 7) == std::vector<std::string>{"one two", "three"});
  CHECK(wrap("one\n\ntwo", 20) == std::vector<std::string>{"one", "", "two"});
  CHECK(wrap("averylongword x", 5) == std::vector<std::string>{"averylongword", "x"});
  CHECK(wrap("", 5) == std::vector<std::string>{""});
}

TEST_CASE("the nearest word is found when it is near", "[cli][text]") {
  const std::vector<std::string> known{"publish", "health", "--config"};
  CHECK(nearest("helth", known) == "health");
  CHECK(nearest("--confg", known) == "--config");
  CHECK_FALSE(nearest("zebra", known));
}
