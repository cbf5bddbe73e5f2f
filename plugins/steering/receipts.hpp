// receipts: tells what became of items: written down in the store, for who asks, and published for who listens.
#pragma once

#include "session.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace postbus::steering_plugin {

class receipts {
 public:
  // Throws sdk::failure where `status` has no place for the session.
  receipts(sdk::context& ctx, sdk::store_client& store, std::chrono::nanoseconds ttl);

  // Of these items, of which there may be none. What was just pushed is written down already.
  void pushed(const session& s, const std::string& id, bool late) const;
  void seen(const session& s, const std::vector<std::string>& ids) const { tell(s, ids, "seen", seen_); }
  void dropped(const session& s, const std::vector<std::string>& ids) const {
    tell(s, ids, "dropped", dropped_);
  }
  void late(const session& s, const std::vector<std::string>& ids) const;

  // Where it is published; empty: nowhere.
  std::string topic_of(const session& s) const;

 private:
  void tell(const session& s, const std::vector<std::string>& ids, const char* status,
            std::uint32_t counter) const;
  void publish(const session& s, const std::vector<std::string>& ids, const char* status) const;

  sdk::context& ctx_;
  sdk::store_client& store_;
  const std::chrono::nanoseconds ttl_;
  const std::string topic_, capture_;
  void* publisher_self_ = nullptr;
  const postbus_publisher* publisher_;
  const std::uint32_t accepted_, seen_, late_, dropped_;
};

}  // namespace postbus::steering_plugin
