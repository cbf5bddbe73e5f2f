// event: the fields of an event as values of a test; and the events that a fake_host lends to plugins and keeps for them.
//
// A lent event is as hard to a plugin as the contract allows: it is gone when the call returns, so that a pointer into it is found
// by a sanitizer; keeping it makes a copy, so that who goes on with the original is found too; and its id and time stand in it only
// for those who declared POSTBUS_NEED_ID, or after event_fill. In pages of its own (fake_host::lend_in_pages()) it also cannot be written
// to, and who looks at it when it is gone is found without a sanitizer.
#pragma once

#include <postbus/plugin.h>
#include <postbus/testing/pages.hpp>

#include <postbus/sdk/abi.hpp>

#include <atomic>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace postbus::testing {

struct event {
  std::string topic{}, data{};
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string id{}, source{}, key{}, content_type{};
  std::int64_t time_ns = 0, expires_ns = 0;

  static event copy_of(const postbus_event& from) {
    const auto text = [](const auto& t) { return std::string(sdk::view(t)); };
    event e{text(from.topic), text(from.data),         {},           text(from.id),  text(from.source),
            text(from.key),   text(from.content_type), from.time_ns, from.expires_ns};
    for (std::size_t i = 0; i < from.header_count; ++i)
      e.headers.emplace_back(text(from.headers[i].name), text(from.headers[i].value));
    return e;
  }
};

namespace detail {

// A postbus_event that owns what it shows: each text in memory of exactly its size, or all of it in pages that are read-only.
class event_block {
 public:
  event_block(const event& e, std::int64_t now_ns, std::uint64_t number, bool in_pages = false) {
    if (in_pages) pages_ = std::make_unique<pages>(size_of(e));
    raw_ = new (take(sizeof(postbus_event))) postbus_event{};
    copy(e);
    id_ = keep_text(e.id.empty() ? "event-" + std::to_string(number) : e.id);
    time_ns_ = e.time_ns != 0 ? e.time_ns : now_ns;
    if (pages_ != nullptr) pages_->read_only(true);
  }
  ~event_block() {
    if (owned_.release != nullptr) owned_.release(owned_.ctx);
  }
  event_block(const event_block&) = delete;
  event_block& operator=(const event_block&) = delete;

  void fill() noexcept {
    if (pages_ != nullptr) pages_->read_only(false);
    raw_->id = id_;
    raw_->time_ns = time_ns_;
    if (pages_ != nullptr) pages_->read_only(true);
  }
  void adopt(const postbus_owned& data) noexcept {
    owned_ = data;
    raw_->data = data.bytes;
  }
  const postbus_event* raw() const noexcept { return raw_; }
  event with_id() const {
    event e = event::copy_of(*raw_);
    e.id = sdk::view(id_);
    e.time_ns = time_ns_;
    return e;
  }

 private:
  static std::size_t size_of(const event& e) {
    constexpr std::size_t id_max = 64;  // of one that we make
    std::size_t all = pages::rounded(sizeof(postbus_event)) + id_max;
    for (const std::string* text : {&e.topic, &e.source, &e.key, &e.content_type, &e.data, &e.id})
      all += pages::rounded(text->size());
    for (const auto& [name, value] : e.headers)
      all += sizeof(postbus_pair) + pages::rounded(name.size()) + pages::rounded(value.size());
    return all;
  }
  char* take(std::size_t size) {
    if (pages_ != nullptr) return pages_->take(size);
    return memory_.emplace_back(std::make_unique<char[]>(size)).get();
  }
  void copy(const event& e) {
    raw_->size = sizeof(postbus_event);
    raw_->topic = keep_text(e.topic);
    raw_->source = keep_text(e.source);
    raw_->key = keep_text(e.key);
    raw_->content_type = keep_text(e.content_type);
    const postbus_str data = keep_text(e.data);
    raw_->data = {reinterpret_cast<const std::uint8_t*>(data.ptr), data.len};
    auto* const headers = reinterpret_cast<postbus_pair*>(take(e.headers.size() * sizeof(postbus_pair)));
    for (const auto& [name, value] : e.headers)
      new (headers + raw_->header_count++) postbus_pair{keep_text(name), keep_text(value)};
    raw_->headers = headers;
    raw_->expires_ns = e.expires_ns;
  }
  postbus_str keep_text(const std::string& text) {
    char* const kept = take(text.size());
    std::memcpy(kept, text.data(), text.size());
    return {kept, text.size()};
  }

  std::unique_ptr<pages> pages_;
  std::vector<std::unique_ptr<char[]>> memory_;
  postbus_event* raw_ = nullptr;
  postbus_owned owned_{};
  postbus_str id_{};
  std::int64_t time_ns_ = 0;
};

// Every event of the process that is lent or kept now: plugins of several hosts may hand events to each other.
class event_book {
 public:
  using counter = std::shared_ptr<std::atomic<std::size_t>>;  // references to events that one host made
  static event_book& instance() {
    static event_book book;
    return book;
  }

  const postbus_event* lend(std::unique_ptr<event_block> block) {
    const std::lock_guard lock(mutex_);
    return lent_.emplace(block->raw(), std::move(block)).first->first;
  }
  void end_of_loan(const postbus_event* event) {
    const std::lock_guard lock(mutex_);
    lent_.erase(event);
  }
  // A new event with one reference.
  const postbus_event* add(std::unique_ptr<event_block> block, counter references) {
    block->fill();
    const std::lock_guard lock(mutex_);
    ++*references;
    const postbus_event* raw = block->raw();
    kept_.emplace(raw, entry{std::move(block), std::move(references), 1});
    return raw;
  }
  // One more reference: on a copy when it is lent. nullptr when there is no such event.
  const postbus_event* keep(const postbus_event* event, counter references) {
    std::unique_lock lock(mutex_);
    if (const auto kept = kept_.find(event); kept != kept_.end()) {
      ++kept->second.count;
      ++*kept->second.references;
      return event;
    }
    const auto lent = lent_.find(event);
    if (lent == lent_.end()) return nullptr;
    auto copy = std::make_unique<event_block>(lent->second->with_id(), 0, 0);
    lock.unlock();
    return add(std::move(copy), std::move(references));
  }
  // False when nobody holds a reference to such an event.
  bool release(const postbus_event* event) {
    std::unique_ptr<event_block> last;  // its release runs without the lock
    const std::lock_guard lock(mutex_);
    const auto kept = kept_.find(event);
    if (kept == kept_.end()) return false;
    --*kept->second.references;
    if (--kept->second.count == 0) {
      last = std::move(kept->second.block);
      kept_.erase(kept);
    }
    return true;
  }
  // Drops one reference; the event as it was, or nothing when nobody held one.
  std::optional<event> take(const postbus_event* given) {
    std::optional<event> copy;
    {
      const std::lock_guard lock(mutex_);
      if (kept_.contains(given)) copy = event::copy_of(*given);
    }
    if (copy) release(given);
    return copy;
  }
  // False when there is no such event.
  bool fill(const postbus_event* event) {
    const std::lock_guard lock(mutex_);
    if (const auto lent = lent_.find(event); lent != lent_.end()) return lent->second->fill(), true;
    return kept_.contains(event);
  }

 private:
  struct entry {
    std::unique_ptr<event_block> block;
    counter references;
    std::size_t count;
  };
  std::mutex mutex_;
  std::map<const postbus_event*, std::unique_ptr<event_block>> lent_;
  std::map<const postbus_event*, entry> kept_;
};

// An event that is lent to a plugin for as long as this lives.
class loan {
 public:
  explicit loan(std::unique_ptr<event_block> block) : event_(event_book::instance().lend(std::move(block))) {}
  ~loan() { event_book::instance().end_of_loan(event_); }
  loan(const loan&) = delete;
  loan& operator=(const loan&) = delete;
  const postbus_event* get() const noexcept { return event_; }

 private:
  const postbus_event* event_;
};

}  // namespace detail

}  // namespace postbus::testing
