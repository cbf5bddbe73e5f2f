#include "support/catch.hpp"

#include <postbus/sdk/text.hpp>

using namespace postbus;

TEST_CASE("text from outside is one line of valid UTF-8", "[text]") {
  CHECK(sdk::valid_utf8("grüße €  \U0001F600") == "grüße €  \U0001F600");
  CHECK(sdk::valid_utf8("a\xff"
                        "b\xc3") == "a\ufffdb\ufffd");
  CHECK(sdk::valid_utf8("\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80") ==
        "\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd");
  CHECK(sdk::one_line("two\nlines\r\n") == "two\\nlines");
  CHECK(sdk::one_line("\x1b[31mred\x7f\ttab") == "\\x1b[31mred\\x7f\ttab");
}

TEST_CASE("the first byte that is no part of a character is found", "[text]") {
  CHECK(sdk::is_utf8("plain, Zürich, 人, 🚢"));
  CHECK(sdk::first_not_utf8("eight or more bytes of ASCII, then \xff") == 35);
  for (const char* wrong :
       {"\x80", "\xc0\x80", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff"})
    CHECK(sdk::first_not_utf8(wrong) == 0);
}
