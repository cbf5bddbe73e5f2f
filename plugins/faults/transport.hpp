// faulty_transport: a transport that fails as its plan says. Events are lost and doubled on their way in, deliveries are late and out
// of order on their way out, and the answers to both may fail or come late.
#pragma once

#include "held_back.hpp"
#include "link.hpp"
#include "plan.hpp"

#include <postbus/sdk/wrapper.hpp>

namespace postbus::faults {

class faulty_transport : public sdk::transport_wrapper {
 public:
  using subscription = held_back;
  static constexpr bool answers_at_once = false;  // a stall can be set at any time

  explicit faulty_transport(sdk::context& ctx);
  void stop(sdk::completion<>&& done);

  void publish(std::span<const postbus_out> events, sdk::publish_completion&& done);
  void subscribe(const postbus_sub& request, const sdk::sink& to, sdk::completion<subscription*>&& done);
  void unsubscribe(subscription& s, sdk::completion<>&& done);
  void credit(subscription& s, std::uint32_t n) { wrapped().credit(wrapped_self(), s.wrapped, n); }
  void settle(std::span<const postbus_settle> items, sdk::settle_completion&& done);
  void quiesce(subscription& s, sdk::completion<>&& done);
  void call(std::string_view method, std::string_view json, sdk::completion<std::string_view>&& done);

 private:
  void send(std::vector<postbus_out> events, std::vector<std::size_t> places, bool late,
            sdk::publish_completion&& done);
  void come_back(std::int64_t since_ns);
  void forget(const held_back& s);

  sdk::context& ctx_;
  plan plan_;
  link link_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<held_back>> subscriptions_;
};

}  // namespace postbus::faults
