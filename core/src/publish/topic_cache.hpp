// topic_cache: what one thread knows of the topics it publishes on: that they are well-formed, where they go, which features
// apply, and two words of the transport's own. A bounded table; a topic that falls out is looked up again.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace postbus::detail {

struct transport_slot;

struct topic_entry {
  std::uint64_t hash = 0;
  std::string topic;
  std::uint64_t publish_mask = 0,
                deliver_mask = 0;       // the features that apply, by their place in the configuration
  transport_slot* transport = nullptr;  // where it goes
  bool reserved = false;                // begins with "postbus"
  std::array<std::uint64_t, 2> slot{};
};

class topic_cache {
 public:
  topic_entry* find(std::string_view topic, std::uint64_t hash) const noexcept {
    topic_entry* entry = table_[hash & mask_].get();
    return entry != nullptr && entry->hash == hash && is_same(entry->topic, topic) ? entry : nullptr;
  }

  // Nobody uses an entry now. Who looks up several says so before the first.
  void begin() noexcept { retired_.clear(); }
  // `busy`: the caller, or one further up the stack, may still use the entry that makes room; it is kept until nobody does.
  topic_entry& add(std::unique_ptr<topic_entry> entry, bool busy) {
    if (!busy) begin();
    if (table_[entry->hash & mask_] != nullptr && ++evicted_ > mask_ && mask_ + 1 < entries_max) grow();
    auto& place = table_[entry->hash & mask_];
    if (place != nullptr && busy) retired_.push_back(std::move(place));
    place = std::move(entry);
    return *place;
  }

 private:
  // A topic is short: comparing it here is quicker than calling memcmp.
  static bool is_same(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size()) return false;
    if (a.size() < 8) return a == b;
    const auto word = [](const char* at) {
      std::uint64_t w;
      std::memcpy(&w, at, sizeof w);
      return w;
    };
    std::size_t i = 0;
    for (; i + 8 < a.size(); i += 8)
      if (word(a.data() + i) != word(b.data() + i)) return false;
    return word(a.data() + a.size() - 8) == word(b.data() + b.size() - 8);
  }

  static constexpr std::size_t entries_max = 16384;

  void grow() {
    std::vector<std::unique_ptr<topic_entry>> bigger(table_.size() * 4);
    mask_ = bigger.size() - 1;
    for (auto& entry : table_)
      if (entry != nullptr) bigger[entry->hash & mask_] = std::move(entry);
    table_ = std::move(bigger);
    evicted_ = 0;
  }

  std::size_t mask_ = 63, evicted_ = 0;
  std::vector<std::unique_ptr<topic_entry>> table_{64}, retired_;
};

}  // namespace postbus::detail
