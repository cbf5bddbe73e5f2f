#include "admin_line.hpp"

namespace postbus::detail {

namespace {
constexpr std::size_t kept_max = 64 * 1024;  // bytes of room that an idle connection may hold on to
}

void admin_line::add(std::string_view bytes) {
  if (too_long_) return;
  bytes_.erase(0, taken_);
  looked_at_ -= taken_;
  taken_ = 0;
  if (bytes_.empty() && bytes_.capacity() > kept_max) bytes_.shrink_to_fit();
  bytes_.append(bytes);
}

admin_line::state admin_line::next(std::string_view& line) {
  if (too_long_) return state::too_long;
  const std::size_t end = bytes_.find('\n', looked_at_);
  const std::size_t size = (end != std::string::npos ? end : bytes_.size()) - taken_;
  if (size > line_max_) {
    too_long_ = true;
    bytes_ = {};
    taken_ = looked_at_ = 0;
    return state::too_long;
  }
  if (end == std::string::npos) {
    looked_at_ = bytes_.size();
    return state::partial;
  }
  line = std::string_view(bytes_).substr(taken_, size);
  if (line.ends_with('\r')) line.remove_suffix(1);
  taken_ = looked_at_ = end + 1;
  return state::complete;
}

}  // namespace postbus::detail
