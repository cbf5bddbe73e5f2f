#include "line_reader.hpp"

#include "failure.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace postbus::cli {
namespace {

failure unreadable(const std::string& name) {
  return failed(name + ": " + std::generic_category().message(errno), "a file that can be read",
                "check the path and its permissions");
}

}  // namespace

line_reader::line_reader(const std::string& file)
    : fd_(file == "-" ? STDIN_FILENO : ::open(file.c_str(), O_RDONLY | O_CLOEXEC)),
      name_(file == "-" ? "stdin" : file) {
  struct stat status {};
  if (fd_ < 0 || ::fstat(fd_, &status) != 0) throw unreadable(name_);
  if (S_ISREG(status.st_mode)) bytes_total_ = static_cast<std::uint64_t>(status.st_size);
}

line_reader::~line_reader() {
  if (fd_ != STDIN_FILENO) ::close(fd_);
}

// Reads some more into the buffer.
line_reader::result line_reader::fill(signals& s) {
  if (wait_for(fd_, s, {}) == woken::signalled) return result::interrupted;
  buffer_.erase(0, at_);
  at_ = 0;
  constexpr std::size_t chunk = 65536;
  const std::size_t before = buffer_.size();
  buffer_.resize(before + chunk);
  const ssize_t n = ::read(fd_, buffer_.data() + before, chunk);
  buffer_.resize(before + static_cast<std::size_t>(n > 0 ? n : 0));
  if (n < 0 && errno != EINTR && errno != EAGAIN) throw unreadable(name_);
  return n == 0 ? result::end : result::line;
}

line_reader::result line_reader::next(std::string& line, signals& s) {
  std::size_t from = at_;
  for (;;) {
    if (const std::size_t end = buffer_.find('\n', from); end != std::string::npos) {
      line.assign(buffer_, at_, end - at_);
      bytes_read_ += end + 1 - at_;
      at_ = end + 1;
      break;
    }
    from = buffer_.size() - at_;  // where the new part will begin, after the read one is erased
    const result r = fill(s);
    if (r == result::interrupted) return r;
    if (r == result::line) continue;
    if (at_ == buffer_.size()) return result::end;
    line.assign(buffer_, at_);
    bytes_read_ += line.size();
    at_ = buffer_.size();
    break;
  }
  if (line.ends_with('\r')) line.pop_back();
  ++line_number_;
  return result::line;
}

line_reader::result line_reader::rest(std::string& text, signals& s) {
  result r = result::line;
  while (r == result::line) r = fill(s);
  text.assign(buffer_, at_);
  bytes_read_ += text.size();
  at_ = buffer_.size();
  return r == result::end ? result::line : r;
}

}  // namespace postbus::cli
