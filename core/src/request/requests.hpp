// requests: the requests of this bus that wait for their reply. A request says in its header `replyto` where the reply goes: a topic of
// this bus alone, on the request's transport; the reply's `causationid` says which request it answers.
#pragma once

#include "engine/runtime.hpp"

#include <postbus/event.hpp>

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace postbus::detail {

class engine;
class subscription_state;
struct transport_slot;

// Of the topics that replies come on; nothing else may be named in replyto.
inline constexpr std::string_view reply_prefix = "postbus:reply:";
inline constexpr std::string_view replyto_header = "replyto";
inline constexpr std::string_view replyerror_header = "replyerror";

class requests {
 public:
  // The reply; or an error, and what the other side said about it.
  using answer = std::function<void(error_code ec, event reply, std::string why)>;

  explicit requests(engine& owner) : owner_(owner) {}

  // answer() comes once: on a worker, a timer, or before this returns.
  void start(std::string_view topic, bytes_view data, const publish_options& options,
             std::chrono::nanoseconds timeout, answer tell);
  // None waits any more: error::closed for those that do.
  void close();
  std::size_t waiting() const;
  std::uint64_t late() const noexcept { return late_.load(std::memory_order_relaxed); }

 private:
  struct pending {
    answer tell;
    runtime::timer_id timer = 0;
  };
  const std::string& address();  // that replies come on
  void listen(transport_slot& to);
  void came(const event& reply);
  void finish(const std::string& id, error_code ec, event reply, std::string why);

  engine& owner_;
  std::once_flag named_;
  std::string topic_;
  std::mutex listening_;  // while a transport is asked
  std::vector<const transport_slot*> heard_;
  mutable std::mutex mutex_;  // of what follows
  std::map<std::string, pending, std::less<>> pending_;
  std::atomic<std::uint64_t> late_{0};
};

}  // namespace postbus::detail
