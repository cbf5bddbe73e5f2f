// line_reader: the lines of a file or of standard input, one after the other, without keeping a signal waiting.
#pragma once

#include "signals.hpp"

#include <cstdint>
#include <string>

namespace postbus::cli {

class line_reader {
 public:
  // "-" is standard input. Throws failure when the file cannot be opened.
  explicit line_reader(const std::string& file);
  ~line_reader();
  line_reader(const line_reader&) = delete;
  line_reader& operator=(const line_reader&) = delete;

  enum class result { line, end, interrupted };
  // The next line, without its end. Throws failure when reading fails.
  result next(std::string& line, signals& s);
  // Everything that is left.
  result rest(std::string& text, signals& s);

  const std::string& name() const noexcept { return name_; }  // for messages: the file, or "stdin"
  std::uint64_t line_number() const noexcept { return line_number_; }
  std::uint64_t bytes_read() const noexcept { return bytes_read_; }    // of the lines given out
  std::uint64_t bytes_total() const noexcept { return bytes_total_; }  // 0: not known

 private:
  result fill(signals& s);

  int fd_;
  std::string name_, buffer_;
  std::size_t at_ = 0;
  std::uint64_t line_number_ = 0, bytes_read_ = 0, bytes_total_ = 0;
};

}  // namespace postbus::cli
