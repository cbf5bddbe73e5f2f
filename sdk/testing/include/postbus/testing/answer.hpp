// answer: what a plugin answered to one call, or will. A copyable handle; everything in it is a copy, valid for as long as one
// likes. Made by fake_host, which sees to it that each answer comes exactly once.
//
//   const answer a = host.publish({.topic = "job:1", .data = "{}"});
//   REQUIRE(a);                       // it came, and says POSTBUS_OK; else the test prints status and message
//   CHECK(a.positions()[0] == "1-0");
#pragma once

#include <postbus/plugin.h>
#include <postbus/testing/faults.hpp>

#include <postbus/sdk/abi.hpp>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <vector>

namespace postbus::testing {

// What a store gave for one op.
struct op_result {
  std::int32_t status = POSTBUS_OK;
  std::int64_t number = 0;
  std::vector<std::string> values{};
  bool operator==(const op_result&) const = default;
  friend std::ostream& operator<<(std::ostream& out, const op_result& r) {
    out << "status " << r.status << ", number " << r.number << ", values {";
    for (const std::string& v : r.values) out << " \"" << v << '"';
    return out << " }";
  }
};

namespace detail {
// One call into a plugin whose done has to come back; alive as long as its host.
struct pending_call {
  pending_call(std::string call, faults& to) : name(std::move(call)), broken(to) {}
  pending_call(const pending_call&) = delete;
  pending_call& operator=(const pending_call&) = delete;

  postbus_done done() noexcept { return {&pending_call::run, this}; }

  std::string name;
  faults& broken;
  std::shared_ptr<void> borrowed;  // what the plugin may look at until its done
  // Copies the result; runs inside the done, with an OK that came first.
  std::function<void(pending_call&, const void* result)> read;

  std::mutex mutex;
  std::condition_variable arrived;
  bool ready = false;
  std::int32_t status = POSTBUS_OK;
  bool retryable = false;
  std::string message, text;
  void* pointer = nullptr;
  std::vector<std::int32_t> statuses;
  std::vector<std::string> positions;
  std::vector<op_result> results;
  std::uint64_t number = 0;

 private:
  bool came = false;

  static void run(void* ctx, std::int32_t status, const void* result, const postbus_error* error) {
    auto& call = *static_cast<pending_call*>(ctx);
    {
      const std::lock_guard lock(call.mutex);
      if (std::exchange(call.came, true)) return call.broken.add(call.name + " was answered a second time");
      call.status = status;
      if (error != nullptr) {
        call.message = error->message;
        call.retryable = error->retryable != 0;
        if (error->code != status)
          call.broken.add(call.name + " was answered " + std::to_string(status) + " with the error " +
                          std::to_string(error->code));
      }
    }
    if (status == POSTBUS_OK && call.read) call.read(call, result);
    std::shared_ptr<void> over;  // freed last, without the lock
    const std::lock_guard lock(call.mutex);
    over.swap(call.borrowed);
    call.ready = true;
    call.arrived.notify_all();
  }
};
}  // namespace detail

class answer {
 public:
  explicit answer(std::shared_ptr<detail::pending_call> call) noexcept : call_(std::move(call)) {}

  // Whether it came.
  bool ready() const {
    const std::lock_guard lock(call_->mutex);
    return call_->ready;
  }
  // It came, and says POSTBUS_OK.
  explicit operator bool() const { return ready() && call_->status == POSTBUS_OK; }

  // All of these throw std::logic_error when it has not come.
  std::int32_t status() const { return come().status; }
  const std::string& message() const { return come().message; }
  bool retryable() const { return come().retryable; }
  // Of call(): the JSON.
  const std::string& text() const { return come().text; }
  // Of subscribe(): the subscription.
  void* pointer() const { return come().pointer; }
  // Of publish() and settle(): a status per item, also where the plugin said that all are OK.
  const std::vector<std::int32_t>& statuses() const { return come().statuses; }
  // Of publish(): the positions, empty where the plugin gives none.
  const std::vector<std::string>& positions() const { return come().positions; }
  // Of execute(): what each op gave.
  const std::vector<op_result>& results() const { return come().results; }
  // Of watch(): the watch.
  std::uint64_t number() const { return come().number; }

  friend std::ostream& operator<<(std::ostream& out, const answer& a) {
    if (!a.ready()) return out << a.call_->name << ": no answer yet";
    return out << a.call_->name << ": status " << a.call_->status << " \"" << a.call_->message << '"';
  }

 private:
  friend class plugin_life;
  const detail::pending_call& come() const {
    if (!ready()) throw std::logic_error(call_->name + " is not answered yet");
    return *call_;
  }
  // For plugins with threads of their own: true when it came before the deadline.
  bool wait(std::chrono::nanoseconds deadline) const {
    std::unique_lock lock(call_->mutex);
    return call_->arrived.wait_for(lock, deadline, [&] { return call_->ready; });
  }

  std::shared_ptr<detail::pending_call> call_;
};

}  // namespace postbus::testing
