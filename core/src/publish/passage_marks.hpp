// passage_marks: what the features that let an item by are owed: to hear how it ended, and the word of its own that each keeps with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace postbus::detail {

// A word for each feature, 0 where it keeps none. The first costs no allocation.
class memos {
 public:
  std::uint64_t of(std::size_t feature) const noexcept {
    if (more_ != nullptr) return more_[feature];
    return feature == place_ ? word_ : 0;
  }
  // `features`: how many there are.
  void set(std::size_t feature, std::uint64_t word, std::size_t features) {
    if (more_ == nullptr && (word_ == 0 || feature == place_)) {
      place_ = feature;
      word_ = word;
      return;
    }
    if (more_ == nullptr) {
      if (word == 0) return;
      more_ = std::make_unique<std::uint64_t[]>(features);
      more_[place_] = word_;
    }
    more_[feature] = word;
  }

 private:
  std::size_t place_ = 0;
  std::uint64_t word_ = 0;
  std::unique_ptr<std::uint64_t[]> more_;
};

struct passage_marks {
  std::uint64_t ticket = 0;  // the item's name; 0: no feature was asked about it
  std::uint64_t passed = 0;  // the features that want to hear how it ended, by their place
  detail::memos memos;
};

}  // namespace postbus::detail
