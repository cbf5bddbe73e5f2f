// completion: the answer that a plugin owes for a call, as a move-only object. Answer once with ok() or fail(); one that is
// dropped answers POSTBUS_E_CANCELLED by itself, so that nobody waits for ever.
//
//   void publish(std::span<const postbus_out> events, publish_completion&& done) {
//     if (closed_) return done.fail(POSTBUS_E_UNAVAILABLE, "the link is down");
//     queue_.push_back(std::move(done));   // answered later, on any thread
//   }
//
// A completion that is answered inside its call costs nothing more. One that is moved away is counted, and the instance's
// stop() completes only when none is left.
#pragma once

#include <postbus/sdk/abi.hpp>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>
#include <type_traits>

namespace postbus::sdk {

inline postbus_error make_error(std::int32_t code, std::string_view message,
                                bool retryable = false) noexcept {
  postbus_error error{};  // the message ends in NUL and may end inside a character
  error.size = sizeof error;
  error.code = code;
  error.retryable = retryable ? 1 : 0;
  std::memcpy(error.message, message.data(), std::min(message.size(), sizeof error.message - 1));
  return error;
}

inline void answer(const postbus_done& done, std::int32_t status, const void* result = nullptr,
                   const postbus_error* error = nullptr) noexcept {
  if (done.fn != nullptr) done.fn(done.ctx, status, result, error);
}

// Counts what an instance still owes; runs the stop's done when it was asked to stop and nothing is left.
class in_flight {
 public:
  void retain() noexcept { count_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (count_.fetch_sub(1, std::memory_order_acq_rel) == 1) answer(stopped_, POSTBUS_OK);
  }
  // Gives up the instance's own share; `done` runs now, or with the last release(). Called once, by stop().
  void finish(postbus_done done) noexcept {
    stopped_ = done;
    release();
  }

 private:
  std::atomic<std::int64_t> count_{1};
  postbus_done stopped_{};
};

namespace detail {
template <class T>
constexpr bool is_span = false;
template <class T>
constexpr bool is_span<std::span<T>> = true;
}  // namespace detail

// Result is what plugin.h says the call's result is: void, a pointer (handed over as it is), a number, std::string_view, or a span
// with an entry per item.
template <class Result = void>
class completion {
 public:
  completion() noexcept = default;
  // Used by the face: borrowed for the length of one call, counted once it is moved.
  completion(postbus_done done, in_flight& owner) noexcept : done_(done), owner_(&owner), open_(true) {}
  completion(completion&& other) noexcept
      : done_(other.done_), owner_(other.owner_), open_(std::exchange(other.open_, false)), counted_(open_) {
    if (open_ && !std::exchange(other.counted_, false)) owner_->retain();
  }
  completion& operator=(completion&& other) noexcept {
    if (this != &other) {
      this->~completion();
      new (this) completion(std::move(other));
    }
    return *this;
  }
  ~completion() {
    if (open_) fail(POSTBUS_E_CANCELLED, "the plugin dropped the call without an answer");
  }

  // Whether an answer is still owed.
  explicit operator bool() const noexcept { return open_; }

  // Without a result where there is none, or where every item of a batch went well.
  void ok() noexcept requires(std::is_void_v<Result> || detail::is_span<Result>) {
    finish(POSTBUS_OK, nullptr, nullptr);
  }
  template <class R = Result>
  requires(!std::is_void_v<R>) void ok(std::type_identity_t<R> result) noexcept {
    if constexpr (std::is_same_v<R, std::string_view>) {
      const postbus_str text = str(result);
      finish(POSTBUS_OK, &text, nullptr);
    } else if constexpr (std::is_pointer_v<R>) {
      finish(POSTBUS_OK, result, nullptr);
    } else if constexpr (std::is_arithmetic_v<R>) {
      finish(POSTBUS_OK, &result, nullptr);
    } else {
      finish(POSTBUS_OK, result.data(), nullptr);
    }
  }
  // `code` is one of POSTBUS_E_…; the message says what was found, wanted, and what to do (up to 499 bytes are kept).
  void fail(std::int32_t code, std::string_view message, bool retryable = false) noexcept {
    const postbus_error error = make_error(code, message, retryable);
    finish(code, nullptr, &error);
  }
  // Hands the duty to answer to someone else, as plugin.h passes it: it is no longer owed here, and stop() does not wait for it. What
  // a wrapper passes on as it is may be answered when the plugin that it wraps is stopped, which is after its own stop.
  postbus_done pass_on() noexcept {
    const postbus_done mine = std::exchange(open_, false) ? done_ : postbus_done{};
    if (std::exchange(counted_, false)) owner_->release();
    return mine;
  }

 private:
  void finish(std::int32_t status, const void* result, const postbus_error* error) noexcept {
    if (!std::exchange(open_, false)) return;
    answer(done_, status, result, error);
    if (std::exchange(counted_, false)) owner_->release();
  }

  postbus_done done_{};
  in_flight* owner_ = nullptr;
  bool open_ = false, counted_ = false;
};

using publish_completion = completion<std::span<const postbus_receipt>>;
using settle_completion = completion<std::span<const std::int32_t>>;
using store_completion = completion<std::span<const postbus_op_result>>;

}  // namespace postbus::sdk
