// admin_methods: what a client may ask for, and how it is answered. Nothing here knows of a socket.
#pragma once

#include "admin_client.hpp"
#include "admin_json.hpp"
#include "admin_request.hpp"

#include <memory>

namespace postbus::detail {

// Where the answer for one request goes: once, from any thread.
class admin_reply {
 public:
  admin_reply(std::shared_ptr<admin_client> client, std::uint64_t request)
      : client_(std::move(client)), request_(request) {}
  void result(const json::value& value) const;
  void fail(const error& e) const;

 private:
  std::shared_ptr<admin_client> client_;
  std::uint64_t request_;
};

// One request on its way to its method.
struct admin_call {
  engine& bus;
  std::shared_ptr<admin_client> client;
  admin_request request;
  admin_reply reply;
};

// How a method is to be run.
struct admin_plan {
  bool may_wait = false;         // on a thread that may
  std::int64_t deadline_ns = 0;  // the caller answers timed_out by then; 0: the method answers by itself
};
admin_plan plan_of(const engine& bus, const admin_request& request);

// Answers, now or later.
void run(admin_call call) noexcept;

}  // namespace postbus::detail
