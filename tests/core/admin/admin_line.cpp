// Bytes that come in pieces, as lines.
#include "admin/admin_line.hpp"

#include "support/catch.hpp"

#include <vector>

using namespace postbus::detail;

namespace {

std::vector<std::string> all_of(admin_line& lines) {
  std::vector<std::string> found;
  for (std::string_view line; lines.next(line) == admin_line::state::complete;) found.emplace_back(line);
  return found;
}

}  // namespace

TEST_CASE("lines are the same however the bytes are cut", "[admin]") {
  const std::string bytes = "one\n\ntwo\r\nthree\nfo";
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    admin_line lines(100);
    std::vector<std::string> found;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      lines.add(std::string_view(bytes).substr(at, piece));
      for (auto& line : all_of(lines)) found.push_back(std::move(line));
    }
    CAPTURE(piece);
    CHECK(found == std::vector<std::string>{"one", "", "two", "three"});
    CHECK(lines.begun());
    lines.add("ur\n");
    CHECK(all_of(lines) == std::vector<std::string>{"four"});
    CHECK_FALSE(lines.begun());
  }
}

TEST_CASE("a line of just the bound is taken, one byte more is too long, for good", "[admin]") {
  std::string_view line;
  admin_line lines(4);
  lines.add("1234\n12345");
  CHECK(lines.next(line) == admin_line::state::complete);
  CHECK(line == "1234");
  CHECK(lines.next(line) == admin_line::state::too_long);
  CHECK_FALSE(lines.begun());
  lines.add("\nok\n");
  CHECK(lines.next(line) == admin_line::state::too_long);
}

TEST_CASE("a line that is too long is told before its end came", "[admin]") {
  std::string_view line;
  admin_line lines(4);
  lines.add("123");
  CHECK(lines.next(line) == admin_line::state::partial);
  lines.add("45");
  CHECK(lines.next(line) == admin_line::state::too_long);
}
