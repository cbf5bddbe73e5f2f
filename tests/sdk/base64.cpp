// Base64, there and back.
#include "support/catch.hpp"

#include <postbus/sdk/base64.hpp>

using namespace postbus;

namespace {

std::string written(std::string_view bytes) {
  std::string text = "before";
  sdk::append_base64(text, bytes);
  return text.substr(6);
}

}  // namespace

TEST_CASE("base64 writes and reads what RFC 4648 shows", "[base64]") {
  const auto [bytes, text] = GENERATE(table<const char*, const char*>({{"", ""},
                                                                       {"f", "Zg=="},
                                                                       {"fo", "Zm8="},
                                                                       {"foo", "Zm9v"},
                                                                       {"foob", "Zm9vYg=="},
                                                                       {"fooba", "Zm9vYmE="},
                                                                       {"foobar", "Zm9vYmFy"}}));
  CHECK(written(bytes) == text);
  CHECK(sdk::parse_base64(text) == bytes);
}

TEST_CASE("every byte survives base64", "[base64]") {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  CHECK(sdk::parse_base64(written(bytes)) == bytes);
  CHECK(sdk::parse_base64("+/+/") == "\xfb\xff\xbf");
}

TEST_CASE("a text that is not base64 is refused", "[base64]") {
  for (const std::string_view text : {"Z", "Zg", "Zg=", "Zg===", "=", "====", "Zm9=v", "Zm9v\n",
                                      "Zm 9v===", "-_-_", "Zg==Zg==", "Z\xff=="}) {
    INFO(text);
    CHECK_FALSE(sdk::parse_base64(text));
  }
}

TEST_CASE("base64 with bits that no byte takes is refused: bytes have one text", "[base64]") {
  CHECK_FALSE(sdk::parse_base64("Zh=="));
  CHECK_FALSE(sdk::parse_base64("Zm9="));
}
