#include "text.hpp"

#include "support/catch.hpp"

using namespace postbus::cli;

TEST_CASE("a terminal needs a column for each character", "[cli][text]") {
  CHECK(characters("Zürich人🚢") == 8);
}

TEST_CASE("any text fits on one line", "[cli][text]") {
  CHECK(escaped("a\tb\nc\rd\\e\x01\x7f ü") == "a\\tb\\nc\\rd\\\\e\\u0001\\u007f ü");
}

TEST_CASE("lines are broken at spaces", "[cli][text]") {
  CHECK(wrap("one two three", 7) == std::vector<std::string>{"one two", "three"});
  CHECK(wrap("one\n\ntwo", 20) == std::vector<std::string>{"one", "", "two"});
  CHECK(wrap("averylongword x", 5) == std::vector<std::string>{"averylongword", "x"});
  CHECK(wrap("", 5) == std::vector<std::string>{""});
}
