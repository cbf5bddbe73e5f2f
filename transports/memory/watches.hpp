// watches: who is told of which keys, and what they have not been told yet. Any thread; nobody is called with a lock held.
//
// Notes are told one at a time, in their order, by a task of the host's: add() says when one is needed, tell() is what it runs.
#pragma once

#include <postbus/sdk/store.hpp>

#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace postbus::memory {

struct note {
  std::string key, text;
};

class watches {
 public:
  // `owner` is the bus it belongs to. It hears what is added from now on.
  std::uint64_t insert(std::string_view prefix, const sdk::watcher& who, const sdk::context* owner);
  // Answered once it is not called any more: after the call that runs now, if one does. E_INVALID: no such watch of this owner.
  void erase(std::uint64_t watch, const sdk::context* owner, sdk::completion<>&& done);
  // All of the owner.
  void erase_all(const sdk::context* owner, sdk::completion<>&& done);

  // True: the caller sees to it that tell() runs, once.
  [[nodiscard]] bool add(std::vector<note>&& notes);
  void tell() noexcept;
  std::size_t size() const;

 private:
  struct watch {
    std::string prefix;
    sdk::watcher who;
    const sdk::context* owner;
    std::uint64_t since;  // the first note that it hears
  };
  // The first watch after `id` that hears the first note.
  std::map<std::uint64_t, watch>::const_iterator next(std::uint64_t id) const;

  mutable std::mutex mutex_;
  std::map<std::uint64_t, watch> watches_;
  std::uint64_t ids_ = 0;
  std::deque<note> notes_;
  std::uint64_t told_ = 0;  // notes before the first one
  bool telling_ = false;
  std::uint64_t called_ = 0;  // the watch that is called now
  const sdk::context* called_owner_ = nullptr;
  std::vector<sdk::completion<>> after_call_;  // answered when that call has returned
};

}  // namespace postbus::memory
