// output: what the command prints on standard output, and colour.
#pragma once

#include <boost/json/value.hpp>

#include <exception>
#include <string>
#include <string_view>
#include <vector>

namespace postbus::cli {

enum class color_choice { automatic, always, never };

// Whether to write colours to `fd`. Automatic: it is a terminal, NO_COLOR is unset or empty, and TERM is not "dumb".
bool wants_color(color_choice choice, int fd);

enum class style { plain, bold, green, yellow, red };
std::string styled(std::string_view text, style how, bool color);

// Nobody reads standard output any more: the command ends, quietly.
struct broken_pipe : std::exception {
  const char* what() const noexcept override { return "standard output is closed"; }
};

// Writes all of it to standard output, at once. Throws broken_pipe, and failure when the disk is full.
void print(std::string_view text);
void print_json(const boost::json::value& value);

// Whether `fd` is a terminal.
bool is_terminal(int fd);

// Rows below a header, in columns as wide as their widest cell; the last one runs on.
class table {
 public:
  struct cell {
    cell(std::string content, style how = style::plain) : text(std::move(content)), look(how) {}
    cell(std::string_view content) : text(content) {}
    cell(const char* content) : text(content) {}
    std::string text;
    style look = style::plain;
  };

  explicit table(std::vector<std::string> header) : header_(std::move(header)) {}
  // As many cells as the header has.
  void add(std::vector<cell> row) { rows_.push_back(std::move(row)); }
  bool empty() const noexcept { return rows_.empty(); }
  std::string text(bool color) const;

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<cell>> rows_;
};

}  // namespace postbus::cli
