// The small change between plugin.h and C++: views of its strings and bytes, and owners for what it counts.
#pragma once

#include <postbus/plugin.h>

#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace postbus::sdk {

inline std::string_view view(postbus_str text) noexcept { return {text.ptr, text.len}; }
inline std::string_view view(postbus_bytes bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.ptr), bytes.len};
}
inline postbus_str str(std::string_view text) noexcept { return {text.data(), text.size()}; }
inline postbus_bytes bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// The value of the header `name`, or nothing. Linear in the number of headers (at most 64).
inline std::optional<std::string_view> header(const postbus_event& event, std::string_view name) noexcept {
  for (const postbus_pair& pair : std::span{event.headers, event.header_count})
    if (view(pair.name) == name) return view(pair.value);
  return std::nullopt;
}

// Thrown by a plugin's constructor, start or any of its functions to answer with this code and message; caught at the boundary.
class failure : public std::runtime_error {
 public:
  failure(std::int32_t code, const std::string& message) : std::runtime_error(message), code_(code) {}
  std::int32_t code() const noexcept { return code_; }

 private:
  std::int32_t code_;
};

// One reference to an event that outlives the call it was lent for. Move-only; empty after a move.
class kept_event {
 public:
  kept_event() noexcept = default;
  // Takes over one reference that the host gave.
  kept_event(const postbus_host* host, const postbus_event* event) noexcept : host_(host), event_(event) {}
  kept_event(kept_event&& other) noexcept
      : host_(other.host_), event_(std::exchange(other.event_, nullptr)) {}
  kept_event& operator=(kept_event other) noexcept {
    std::swap(host_, other.host_);
    std::swap(event_, other.event_);
    return *this;
  }
  ~kept_event() {
    if (event_ != nullptr) host_->event_release(host_, event_);
  }

  const postbus_event* get() const noexcept { return event_; }
  const postbus_event& operator*() const noexcept { return *event_; }
  const postbus_event* operator->() const noexcept { return event_; }
  explicit operator bool() const noexcept { return event_ != nullptr; }
  // Gives the reference away, for instance as an item's replacement.
  const postbus_event* release() noexcept { return std::exchange(event_, nullptr); }

 private:
  const postbus_host* host_ = nullptr;
  const postbus_event* event_ = nullptr;
};

}  // namespace postbus::sdk
