// registry: the work of this process: deliveries that were let by and are registered, those that are set aside, and registrations that
// are still to be erased. Pure: it is told what happened, and the time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace postbus::brake_plugin {

struct work {
  std::string member;  // of inflight:KEY: "PROCESS NUMBER TOPIC ID"
  std::string key, topic;
  std::int64_t good_until_ns = 0;  // not lapsed before, whatever the store's clock says
  bool is_registered = false;      // the store said so
  bool has_lapsed = false;

  // Whether what it publishes and how it ends still counts.
  bool is_good(std::int64_t now_ns) const noexcept {
    return is_registered && !has_lapsed && now_ns < good_until_ns;
  }
};

// What a registration says of itself.
struct registration {
  std::string process, number, topic, id;
  static registration parse(std::string_view member);
  static std::string member(std::string_view process, std::uint64_t number, std::string_view topic,
                            std::string_view id);
};

class registry {
 public:
  // ---- let by
  // Each time under a new name, so that what is erased late is never what was registered later.
  work& enter(std::uint64_t ticket, std::string_view process, std::string_view key, std::string_view topic,
              std::string_view id);
  work* find(std::uint64_t ticket);
  // Empty where it is not there.
  std::optional<work> take(std::uint64_t ticket);
  // Of what is still registered under that name.
  void renewed(std::uint64_t ticket, std::string_view member, std::int64_t good_until_ns);
  void lapsed(std::uint64_t ticket, std::string_view member);
  const std::unordered_map<std::uint64_t, work>& running() const noexcept { return running_; }

  // ---- set aside
  // `place`: among all, as next_place() gave it to the item when it was seen first.
  void park(std::uint64_t ticket, std::uint64_t place, std::string_view key, std::string_view topic);
  std::uint64_t next_place() noexcept { return ++last_place_; }
  bool forget(std::uint64_t ticket);
  using which = std::function<bool(std::string_view key, std::string_view topic)>;
  // Those that are meant, in the order of their places; they are not set aside any more.
  std::vector<std::uint64_t> release(const which& is_meant);
  std::uint64_t parked(const which& is_meant) const;

  // ---- to be erased, as soon as the store is there
  struct debt {
    std::string key, member;
  };
  void owe(std::string key, std::string member) { debts_.push_back({std::move(key), std::move(member)}); }
  std::vector<debt> take_debts() { return std::exchange(debts_, {}); }

 private:
  struct aside {
    std::uint64_t ticket;
    std::string key, topic;
  };
  std::unordered_map<std::uint64_t, work> running_;
  std::map<std::uint64_t, aside> aside_;  // by their places
  std::unordered_map<std::uint64_t, std::uint64_t> place_;
  std::vector<debt> debts_;
  std::uint64_t last_place_ = 0, last_number_ = 0;
};

}  // namespace postbus::brake_plugin
