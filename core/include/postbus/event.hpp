// event: what is published and delivered. An event is immutable. Its attributes are those of CloudEvents 1.0: id, source, topic
// (CloudEvents' type), time, content type, ordering key, data, and extension attributes, which are called headers here.
#pragma once

#include <postbus/error.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct postbus_event;

namespace postbus::detail {
struct event_access;
}

namespace boost::json {
class value;
}

namespace postbus {

// Borrowed bytes: of text (anything that converts to std::string_view; a const char* ends at its NUL), or of a contiguous range of
// char, unsigned char or std::byte. An array of char is neither for sure, a text or a buffer: say std::string_view, or give the size.
class bytes_view {
 public:
  constexpr bytes_view() noexcept = default;
  constexpr bytes_view(const void* data, std::size_t size) noexcept : data_(data), size_(size) {}
  bytes_view(std::string_view text) noexcept : bytes_view(text.data(), text.size()) {}
  template <std::convertible_to<std::string_view> Text>
  bytes_view(const Text& text) noexcept : bytes_view(static_cast<std::string_view>(text)) {}
  bytes_view(std::nullptr_t) = delete;
  template <std::size_t N>
  bytes_view(char (&)[N]) = delete;
  template <std::ranges::contiguous_range Range>
  requires(sizeof(std::ranges::range_value_t<Range>) == 1 &&
           !std::convertible_to<const Range&, std::string_view>) bytes_view(const Range& bytes)
  noexcept : bytes_view(std::ranges::data(bytes), std::ranges::size(bytes)) {}

  const std::byte* data() const noexcept { return static_cast<const std::byte*>(data_); }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  std::string_view text() const noexcept { return {static_cast<const char*>(data_), size_}; }

 private:
  const void* data_ = nullptr;
  std::size_t size_ = 0;
};

// An extension attribute. Names are lower-case letters and digits, at most 20; values are UTF-8.
struct header {
  std::string_view name, value;
};

// How to publish. Everything is borrowed until the publish completed; async_publish copies what it needs before it returns.
struct publish_options {
  // Any string, unique within the source; a UUIDv7 is made if empty.
  std::string_view id{};
  // The ordering key (CloudEvents' partitionkey): events of one key keep their order where a subscription asks for it (ordered_by).
  std::string_view key{};
  std::string_view content_type{};    // MIME type of the data; empty = not said
  std::span<const header> headers{};  // at most 64
  // How long it may wait for room, and for its answer; 0 or less: not at all. In a batch each event has its own.
  std::chrono::nanoseconds deadline = std::chrono::seconds(30);
  // No handler starts for it once so much time has passed since it was published, a delay included; above 0. Subscriptions count it as
  // expired; the publisher is not told.
  std::optional<std::chrono::nanoseconds> ttl{};
  // Not delivered before so much time has passed; 0 or less: at once. See bus::cancel_delayed().
  std::optional<std::chrono::nanoseconds> delay{};
};

// One event of a batch. Borrowed: what it refers to must live until publish returned, so do not build it from temporaries.
struct message {
  std::string_view topic;
  bytes_view data;
  publish_options options{};
};

// What a confirmed publish says.
class receipt {
 public:
  // The event's id.
  std::string id() const;
  // Where the transport put it (an entry id of a stream); empty where it does not say.
  const std::string& position() const noexcept { return position_; }

 private:
  friend struct receipt_access;
  std::array<std::uint8_t, 16>
      uuid_{};                     // the id; until somebody asks for it, what its random bits are made from
  std::int64_t seeded_at_ns_ = 0;  // in that case when; else 0
  std::string given_id_;
  std::string position_;
};

// The answer for one event of a batch.
struct publish_result {
  error_code ec;
  receipt value;
};

// A received event kept for longer than its delivery. Cheap to copy and move; thread-safe as all immutable things are.
class event {
 public:
  event() noexcept = default;
  event(const event& other) noexcept;
  event(event&& other) noexcept : raw_(other.raw_) { other.raw_ = nullptr; }
  event& operator=(event other) noexcept;
  ~event();

  explicit operator bool() const noexcept { return raw_ != nullptr; }
  std::string_view topic() const noexcept;
  std::string_view id() const noexcept;
  std::string_view source() const noexcept;  // the name of the bus that published it
  std::string_view key() const noexcept;
  std::string_view content_type() const noexcept;
  bytes_view data() const noexcept;
  std::string_view text() const noexcept { return data().text(); }  // the data as text
  boost::json::value json() const;  // the data parsed as JSON; throws error::bad_argument when it is none
  std::chrono::system_clock::time_point time() const noexcept;  // when it was published
  std::optional<std::string_view> header(std::string_view name) const noexcept;
  std::vector<postbus::header> headers() const;

 private:
  friend class delivery;
  friend class settlement;
  friend struct detail::event_access;
  explicit event(const postbus_event* adopted) noexcept : raw_(adopted) {}
  const postbus_event* raw_ = nullptr;
};

}  // namespace postbus
