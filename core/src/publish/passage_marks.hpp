// passage_marks: what the features that let an item by are owed: to hear how it ended, and the word of its own that each keeps with it.
#pragma once

#include <cstdint>
#include <memory>

namespace postbus::detail {

struct passage_marks {
  std::uint64_t ticket = 0;  // the item's name; 0: no feature was asked about it
  std::uint64_t passed = 0;  // the features that want to hear how it ended, by their place
  std::unique_ptr<std::uint64_t[]> memos;

  std::uint64_t memo(std::size_t feature) const noexcept { return memos != nullptr ? memos[feature] : 0; }
};

}  // namespace postbus::detail
