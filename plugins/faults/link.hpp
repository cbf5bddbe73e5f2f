// link: whether the way to the wrapped plugin is there, and how long what goes over it takes. What both wrappers share.
#pragma once

#include "plan.hpp"

#include <postbus/sdk/context.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <optional>

namespace postbus::faults {

class link {
 public:
  // `back(since_ns)`: called each time the link came back, with the wall time at which it went.
  link(sdk::context& ctx, plan& faults, std::function<void(std::int64_t since_ns)> back)
      : ctx_(ctx), plan_(faults), back_(std::move(back)) {}

  bool is_down() const noexcept { return down_; }
  // Whether it is down, or goes down now.
  bool is_down_now();

  // The host may be called, until leave(); false: the plugin was stopped, and what is left is to answer.
  bool enter() noexcept;
  void leave() noexcept { ctx_.owed().release(); }
  // Called first by the plugin's stop.
  void stop() noexcept;

  // Answers `to` after a while; when the plugin is stopped before, then. `copy` holds the result, and gives it as copy.result().
  template <class Copy>
  void answer_later(postbus_done to, std::int32_t status, Copy copy, const postbus_error* error) {
    std::unique_ptr<late_answer<Copy>> late(new (std::nothrow)
                                                late_answer<Copy>(to, status, std::move(copy), error));
    if (late == nullptr) return sdk::answer(to, status, copy.result(), error);
    if (!enter()) return;
    sdk::detail::guarded([&] { ctx_.timer(plan_.length(fault::stall), [late = std::move(late)] {}); },
                         [](std::int32_t, std::string_view) {});
    leave();
  }

 private:
  // Answers when it goes, so that a timer that is cancelled answers too.
  template <class Copy>
  class late_answer {
   public:
    late_answer(postbus_done to, std::int32_t status, Copy copy, const postbus_error* error)
        : to_(to), status_(status), copy_(std::move(copy)) {
      if (error != nullptr) error_ = sdk::make_error(error->code, error->message, error->retryable != 0);
    }
    late_answer(const late_answer&) = delete;
    late_answer& operator=(const late_answer&) = delete;
    ~late_answer() { sdk::answer(to_, status_, copy_.result(), error_ ? &*error_ : nullptr); }

   private:
    postbus_done to_;
    std::int32_t status_;
    Copy copy_;
    std::optional<postbus_error> error_;
  };

  void come_back();

  sdk::context& ctx_;
  plan& plan_;
  const std::function<void(std::int64_t)> back_;
  std::atomic<bool> down_{false};
  std::int64_t since_ns_ = 0;  // by the one that put it down, until it is back
  std::mutex mutex_;
  bool stopped_ = false;
};

}  // namespace postbus::faults
