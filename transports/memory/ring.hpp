// ring: a queue in one array that grows by doubling and is reused, so that a steady flow allocates nothing.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace postbus::memory {

template <class T>
class ring {
 public:
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

  void push_back(T value) {
    make_room();
    at(size_++) = std::move(value);
  }
  const T& front() const noexcept { return items_[first_]; }
  T pop_front() {
    T value = std::exchange(at(0), T{});
    first_ = (first_ + 1) & (items_.size() - 1);
    --size_;
    return value;
  }

 private:
  T& at(std::size_t i) noexcept { return items_[(first_ + i) & (items_.size() - 1)]; }
  void make_room() {
    if (size_ < items_.size()) return;
    std::vector<T> bigger(items_.empty() ? 64 : items_.size() * 2);
    for (std::size_t i = 0; i < size_; ++i) bigger[i] = std::move(at(i));
    items_ = std::move(bigger);
    first_ = 0;
  }

  std::vector<T> items_;
  std::size_t first_ = 0, size_ = 0;
};

}  // namespace postbus::memory
