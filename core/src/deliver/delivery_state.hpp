// delivery_state: one delivery while it is here; item: one that is queued, waiting or deferred, and so lives in a pooled block.
#pragma once

#include "engine/runtime.hpp"
#include "event/block_pool.hpp"
#include "event/event_record.hpp"
#include "publish/passage_marks.hpp"

#include <postbus/subscription.hpp>

#include <memory>
#include <new>

namespace postbus::detail {

class subscription_state;
struct attachment;
struct item;

struct delivery_state {
  subscription_state* subscription = nullptr;
  attachment* from = nullptr;
  const postbus_event* event = nullptr;
  delivery_state* outer = nullptr;  // the delivery around this one on its thread
  std::int64_t since_ns = 0;        // when its handler started
  std::uint64_t token = 0;
  std::uint32_t attempt = 0;  // handlers started for it, the running one included
  bool is_item = false;       // else it stands on the stack of an inline delivery
  bool deferred = false;      // the handler took the answer along
  std::atomic<bool> stop_asked{false};
  std::atomic<std::stop_source*> stop{nullptr};  // made when first wanted
  std::atomic<item*> promoted{nullptr};          // inline: the item it became when it had to outlive its call

  delivery_state() = default;
  delivery_state(const delivery_state&) = delete;
  delivery_state& operator=(const delivery_state&) = delete;
  ~delivery_state() {
    if (auto* source = stop.load(std::memory_order_acquire)) [[unlikely]]
      delete source;
  }

  static delivery handle(delivery_state& state) noexcept { return delivery(&state); }

  bool stop_requested() const noexcept;
  std::stop_source& make_stop_source();
  // Sets the mark and returns a copy of the stop source where one was made: who asks calls request_stop() without a lock.
  std::optional<std::stop_source> mark_stop();
};

struct lane;
using lane_entry = std::pair<const std::string, lane>;  // a lane and its key, in the subscription's lanes

struct suspension;  // verdict.hpp
using confirmation = boost::asio::any_completion_handler<void(error_code)>;

struct item_links {
  item *before = nullptr, *after = nullptr;
};

struct item : delivery_state {
  item* next = nullptr;  // in an inbox, or a batch
  item_links among;      // those that wait for a retry, or the suspended coroutines
  item_links deferral;   // those whose settlement was taken along
  std::atomic<std::uint32_t> references{1};
  std::atomic<bool> answered{false};
  std::atomic<bool> lost{
      false};             // its handler took too long: the answer was given for it, before `answered` was set
  bool credited = true;   // holds one of the subscription's credits
  bool parked = false;    // counts to park_max
  bool is_taken = false;  // among those whose settlement was taken along
  std::uint64_t buffered = 0;  // 1 + its bytes, while it counts to overflow_max
  // What the features make of it. held: one keeps it, and it keeps its place; nothing behind it starts.
  enum class passage_state : std::uint8_t { to_ask, held, let_by } passage = passage_state::to_ask;
  passage_marks marks;                    // what features that let it by are owed
  std::uint64_t recalls_seen = 0;         // engine::recalls when they did
  std::unique_ptr<suspension> aside;      // while a feature keeps it, or its answer
  lane_entry* lane = nullptr;             // that it owns, or stands in
  void* burial = nullptr;                 // while the store does not take it
  std::unique_ptr<confirmation> confirm;  // who waits for the transport's word on its ack
  std::int64_t first_ns = 0;              // wall time of its first delivery, where it is known
  runtime::timer_id timer = 0;            // of its retry, while it waits for it
  runtime::timer_id time_limit = 0;       // of its handler, while that runs
  std::unique_ptr<notice> note;           // this is no delivery but a word to on_notice
  postbus_owned wire{};                   // not decoded yet
  std::string topic, position;

  static item* make() { return new (pool_allocate(sizeof(item))) item; }
  // What nobody took back since the features were asked (engine::recalls); when they answered does not count.
  bool is_let_by(std::uint64_t recalls) const noexcept {
    return passage == passage_state::let_by && (marks.ticket == 0 || recalls_seen == recalls);
  }
  bool needs_asking(std::uint64_t recalls) const noexcept {
    return note == nullptr && passage != passage_state::held && !is_let_by(recalls);
  }
  void keep() noexcept { references.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    if (event != nullptr) event_record::of(event).release();
    if (wire.release != nullptr) wire.release(wire.ctx);
    this->~item();
    pool_free(this);
  }

 private:
  item();
  ~item();
};

// Items in a row, by `next`.
struct item_chain {
  item *first = nullptr, *last = nullptr;

  void add(item* from, item* to) noexcept {
    (last != nullptr ? last->next : first) = from;
    last = to;
  }
  // The first one; there is one.
  item& pop() noexcept {
    item& i = *std::exchange(first, first->next);
    if (first == nullptr) last = nullptr;
    i.next = nullptr;
    return i;
  }
};

// An intrusive doubly-linked list of items. One item may be in several, by other links.
template <item_links item::*links>
class item_list {
 public:
  std::size_t size() const noexcept { return size_; }
  item* first() const noexcept { return first_; }
  static item* after(const item& i) noexcept { return (i.*links).after; }
  void add(item& i) noexcept {
    i.*links = {nullptr, first_};
    if (first_ != nullptr) (first_->*links).before = &i;
    first_ = &i;
    ++size_;
  }
  void remove(item& i) noexcept {
    const auto [before, after] = std::exchange(i.*links, {});
    (before != nullptr ? (before->*links).after : first_) = after;
    if (after != nullptr) (after->*links).before = before;
    --size_;
  }

 private:
  item* first_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace postbus::detail
