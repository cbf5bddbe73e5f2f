// position_texts: positions as text, for as many deliveries as go at once.
#pragma once

#include "copies.hpp"

#include <charconv>
#include <cstdint>

namespace postbus::memory {

class position_texts {
 public:
  postbus_str operator()(std::uint64_t position) noexcept {
    if (position == 0) return {};
    auto& text = texts_[used_++];
    const auto end = std::to_chars(text.data(), text.data() + text.size(), position).ptr;
    return {text.data(), static_cast<std::size_t>(end - text.data())};
  }

 private:
  std::array<std::array<char, 20>, copies::most> texts_;
  std::size_t used_ = 0;
};

}  // namespace postbus::memory
