// book: what this process knows of the scopes that do not simply run. Pure: it is told what the store says, and says what that means.
#pragma once

#include "record.hpp"

#include <postbus/sdk/hash.hpp>

#include <array>
#include <atomic>
#include <map>
#include <vector>

namespace postbus::brake_plugin {

// What a record says to who knows what it knows.
enum class finding {
  nothing,         // as it is known
  news,            // a change that somebody made by the rules: known from now on
  foreign_pause,   // another program wrote the flag: paused, and to be entered as such
  foreign_resume,  // another program erased it: to be entered, and only then does anything start
  lost             // the store forgot a pause: to be entered again. A resume that it forgot is not
};

struct known {
  scope of;
  std::int64_t epoch = 0;
  brake_plugin::phase phase = brake_plugin::phase::running;
  std::int64_t since_ns = 0;  // when this process heard of the epoch
  std::uint64_t parked_told = 0;
  bool is_blocked = false;
};

class book {
 public:
  enum class effect { none, blocked, released, moved };

  finding judge(std::string_view name, const record& r) const;
  // What is known from now on; an epoch below the one that is known changes nothing, but that what the flag blocks stays blocked.
  effect learn(std::string_view name, std::int64_t epoch, phase p, std::int64_t now_ns);
  // The flag was seen: blocked, whatever else is to be found out.
  effect block(std::string_view name, std::int64_t now_ns);

  bool is_blocked(std::string_view item_key, std::string_view topic) const;
  // The names of those that block it.
  std::vector<std::string> blocking(std::string_view item_key, std::string_view topic) const;
  const known* find(std::string_view name) const;
  known* find(std::string_view name);
  const std::map<std::string, known, std::less<>>& all() const noexcept { return all_; }
  bool blocks_nothing() const noexcept { return blocked_ == 0; }
  // [any thread] False: nothing blocks what has the key. So that those whom no pause concerns need not take turns at the rest.
  bool may_block(std::string_view item_key) const noexcept {
    return broad_.load(std::memory_order_acquire) > 0 ||
           (!item_key.empty() && keys_[slot_of(item_key)].load(std::memory_order_acquire) > 0);
  }

 private:
  known& at(std::string_view name, std::int64_t now_ns);
  effect set(known& k, bool blocked);

  std::map<std::string, known, std::less<>> all_;
  std::map<std::string, std::string, std::less<>> patterns_;  // name -> pattern, of those that block
  bool all_blocked_ = false;
  std::size_t blocked_ = 0;
  // The same for may_block(): how many keys are blocked, by their hashes; and how many patterns, and everything.
  static std::size_t slot_of(std::string_view key) noexcept { return sdk::hash_bytes(key) % 256; }
  std::array<std::atomic<std::uint32_t>, 256> keys_{};
  std::atomic<std::uint32_t> broad_{0};
};

}  // namespace postbus::brake_plugin
