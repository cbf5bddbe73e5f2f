#include "output.hpp"

#include "failure.hpp"
#include "text.hpp"

#include <boost/json/serialize.hpp>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace postbus::cli {

bool is_terminal(int fd) { return ::isatty(fd) == 1; }

bool wants_color(color_choice choice, int fd) {
  if (choice != color_choice::automatic) return choice == color_choice::always;
  const char* no_color = std::getenv("NO_COLOR");  // NOLINT(concurrency-mt-unsafe): nothing sets variables
  const char* term = std::getenv("TERM");          // NOLINT(concurrency-mt-unsafe)
  if (no_color != nullptr && *no_color != '\0') return false;
  if (term == nullptr || std::string_view(term) == "dumb") return false;
  return is_terminal(fd);
}

std::string styled(std::string_view text, style how, bool color) {
  if (!color || how == style::plain) return std::string(text);
  const char* code = how == style::bold     ? "1"
                     : how == style::green  ? "32"
                     : how == style::yellow ? "33"
                                            : "31";
  return std::string("\033[").append(code).append("m").append(text).append("\033[0m");
}

void print(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EPIPE) {
      throw broken_pipe();
    } else if (errno != EINTR) {
      throw failed("standard output: " + std::generic_category().message(errno),
                   "a file or a terminal to print to", "make room, or print elsewhere");
    }
  }
}

void print_json(const boost::json::value& value) { print(boost::json::serialize(value) + "\n"); }

std::string table::text(bool color) const {
  std::vector<std::size_t> widths;
  for (const std::string& title : header_) widths.push_back(characters(title));
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], characters(row[i].text));

  std::string out;
  const auto line = [&](const std::vector<cell>& row) {
    std::string text;
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += styled(row[i].text, row[i].look, color);
      if (i + 1 < row.size()) text.append(widths[i] - characters(row[i].text) + 2, ' ');
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out.append(text).append("\n");
  };
  std::vector<cell> titles;
  for (const std::string& title : header_) titles.emplace_back(title, style::bold);
  line(titles);
  for (const auto& row : rows_) line(row);
  return out;
}

}  // namespace postbus::cli
