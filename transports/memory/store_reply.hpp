// store_reply: what the ops of one execute() gave, with the bytes of it.
#pragma once

#include <postbus/sdk/abi.hpp>

#include <array>
#include <charconv>
#include <cstring>
#include <memory_resource>
#include <vector>

namespace postbus::memory {

class store_reply {
 public:
  explicit store_reply(std::size_t ops) : results_(ops, &arena_), values_(ops, &arena_) {}
  store_reply(const store_reply&) = delete;
  store_reply& operator=(const store_reply&) = delete;

  postbus_op_result& operator[](std::size_t op) noexcept { return results_[op]; }
  void add(std::size_t op, std::string_view value) {
    auto* copy = static_cast<std::uint8_t*>(arena_.allocate(value.size() + 1, 1));
    if (!value.empty()) std::memcpy(copy, value.data(), value.size());
    values_[op].push_back({copy, value.size()});
  }
  void add(std::size_t op, std::int64_t number) {
    char digits[24];
    add(op, std::string_view(digits, std::to_chars(digits, digits + sizeof digits, number).ptr));
  }
  // Nothing but this status is left of it.
  void reset(std::size_t op, std::int32_t status) noexcept {
    values_[op].clear();
    results_[op] = {status, 0, 0, nullptr};
  }
  // Valid as long as this.
  std::span<const postbus_op_result> all() noexcept {
    for (std::size_t i = 0; i < results_.size(); ++i) {
      results_[i].values = values_[i].data();
      results_[i].value_count = static_cast<std::uint32_t>(values_[i].size());
    }
    return results_;
  }

 private:
  std::array<std::byte, 4096> first_;  // enough for 64 ops that give little: no allocation
  std::pmr::monotonic_buffer_resource arena_{first_.data(), first_.size()};
  std::pmr::vector<postbus_op_result> results_;
  std::pmr::vector<std::pmr::vector<postbus_bytes>> values_;
};

}  // namespace postbus::memory
