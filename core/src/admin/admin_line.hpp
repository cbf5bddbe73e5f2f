// admin_line: bytes that come in pieces, as lines. No socket, no clock; the bound is on what one unfinished line may hold.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace postbus::detail {

class admin_line {
 public:
  enum class state {
    complete,  // there is a line
    partial,   // more bytes are needed
    too_long   // for good: nothing is taken any more
  };

  // `line_max`: bytes of a line, its end not counted.
  explicit admin_line(std::size_t line_max) noexcept : line_max_(line_max) {}

  // What came. At most line_max bytes are kept beyond those added last.
  void add(std::string_view bytes);
  // The next line without its end ('\n', or "\r\n"); valid until the next call of any of these. Linear in the bytes added, however
  // small the pieces.
  state next(std::string_view& line);
  // Whether the first bytes of a line are here, and its end is not. Asked after next() said `partial`.
  bool begun() const noexcept { return taken_ < bytes_.size(); }

 private:
  std::size_t line_max_;
  std::string bytes_;
  std::size_t taken_ = 0, looked_at_ = 0;  // of bytes_: lines given out, and where no end was found
  bool too_long_ = false;
};

}  // namespace postbus::detail
