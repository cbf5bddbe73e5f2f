// done_cache: keys that are known to be done, and until when; the oldest go when there are too many. Not for several threads.
#pragma once

#include <postbus/sdk/hash.hpp>

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

namespace postbus::dedup_plugin {

class done_cache {
 public:
  explicit done_cache(std::size_t most) : most_(most) {}

  bool holds(std::string_view key, std::int64_t now_ns) const {
    const auto found = all_.find(key);
    return found != all_.end() && found->second > now_ns;
  }
  void add(std::string_view key, std::int64_t until_ns) {
    if (most_ == 0) return;
    const auto found = all_.find(key);
    if (found != all_.end()) {
      found->second = until_ns;
      return;
    }
    while (all_.size() >= most_) drop_oldest();
    const auto at = all_.emplace(std::string(key), until_ns).first;
    order_.push_back(&at->first);  // which stays where it is
    bytes_ += size_of(at->first);
  }
  // The place in the order stays, and is passed over when its time comes.
  void erase(std::string_view key) {
    const auto found = all_.find(key);
    if (found != all_.end()) found->second = 0;
  }
  void clear() {
    all_.clear();
    order_.clear();
    bytes_ = 0;
  }
  // Those whose window is over, oldest first.
  void expire(std::int64_t now_ns) {
    while (!order_.empty() && all_.find(*order_.front())->second <= now_ns) drop_oldest();
  }
  std::size_t size() const noexcept { return all_.size(); }
  // With what a node of the table takes.
  std::size_t bytes() const noexcept { return bytes_; }

 private:
  struct hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const noexcept { return sdk::hash_bytes(key); }
  };
  // The text, where it does not fit into the string itself; the node, its bucket, and its place in the order.
  static std::size_t size_of(const std::string& key) noexcept {
    constexpr std::size_t node = sizeof(std::string) + sizeof(std::int64_t) + 4 * sizeof(void*);
    return node + (key.size() > 15 ? key.capacity() + 1 : 0);
  }
  void drop_oldest() {
    const auto oldest = all_.find(*order_.front());
    order_.pop_front();
    bytes_ -= size_of(oldest->first);
    all_.erase(oldest);
  }

  const std::size_t most_;
  std::unordered_map<std::string, std::int64_t, hash, std::equal_to<>> all_;
  std::deque<const std::string*> order_;
  std::size_t bytes_ = 0;
};

}  // namespace postbus::dedup_plugin
