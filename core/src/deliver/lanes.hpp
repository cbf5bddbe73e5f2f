// lanes: the lanes of a subscription that is ordered by a key. A lane is there while an item of its key is: one owns it, which is ready,
// runs, or rests until its retry; the others stand behind it in their order. Who uses it holds the subscription's lock.
#pragma once

#include "delivery_state.hpp"

#include <string>
#include <string_view>
#include <unordered_map>

namespace postbus::detail {

struct lane {
  item *first = nullptr, *last = nullptr;  // behind the owner
  bool rests = false;                      // its owner waits for a retry
};

class lanes {
 public:
  // True: the item owns the lane of its key now. False: it stands behind who does.
  bool join(item& i, std::string_view key) {
    const auto found = all_.find(key);
    const auto at = found != all_.end() ? found : all_.try_emplace(std::string(key)).first;
    i.lane = &*at;
    if (found == all_.end()) return true;
    lane& l = at->second;
    i.next = nullptr;
    (l.last != nullptr ? l.last->next : l.first) = &i;
    l.last = &i;
    ++standing_;
    return false;
  }
  // The owner leaves. Who owns the lane now; nullptr where nobody stood behind, and then the lane is gone.
  item* leave(item& owner) {
    lane_entry& at = *std::exchange(owner.lane, nullptr);
    lane& l = at.second;
    item* next = l.first;
    if (next == nullptr) return all_.erase(all_.find(at.first)), nullptr;
    l.rests = false;
    l.first = std::exchange(next->next, nullptr);
    if (l.first == nullptr) l.last = nullptr;
    --standing_;
    return next;
  }
  // Takes out all that stand behind an owner.
  item* take_standing() {
    item* chain = nullptr;
    for (auto& [key, l] : all_)
      while (item* i = l.first) {
        l.first = i->next;
        i->lane = nullptr;
        i->next = std::exchange(chain, i);
        if (l.first == nullptr) l.last = nullptr;
      }
    standing_ = 0;
    return chain;
  }
  std::size_t standing() const noexcept { return standing_; }

 private:
  struct hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::unordered_map<std::string, lane, hash, std::equal_to<>> all_;
  std::size_t standing_ = 0;
};

}  // namespace postbus::detail
