// stops: asks the deliveries of a session to stop, those that run in this process. Who pushes tells every process through the store.
#pragma once

#include "item.hpp"
#include "session.hpp"

#include <string>
#include <string_view>

namespace postbus::steering_plugin {

class stops {
 public:
  // Throws sdk::failure where the host has no postbus.inflight/1.
  stops(sdk::context& ctx, sdk::store_client& store, const abort_words& words, const limits& most);

  void start(sdk::completion<>&& done);
  void stop(sdk::completion<>&& done);

  // Told by the store: a key, and "stop".
  void operator()(std::string_view key, std::string_view note) noexcept;

 private:
  void request(const std::string& session) const;
  // What was told may have been lost: looks at the inbox of each session that runs here.
  void look_again();

  sdk::context& ctx_;
  sdk::store_client& store_;
  const abort_words& words_;
  const limits& most_;
  const std::string capture_;
  void* inflight_self_ = nullptr;
  const postbus_inflight* inflight_;
  const std::uint32_t asked_;
  std::uint64_t watch_ = 0;
};

}  // namespace postbus::steering_plugin
