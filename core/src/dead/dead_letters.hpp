// dead_letters: the boxes of events that were given up, in the store. A box is that of a group, or of a pattern without one.
//
//   {postbus:dead}:boxes        a hash: box → ""
//   {postbus:dead}:events:BOX   a hash: SOURCE/ID → the event, as msgpack
//   {postbus:dead}:times:BOX    a sorted set: SOURCE/ID by the time of its end, ns since 1970
//
// The braces put all of them into one slot of a Redis Cluster, so that they change together.
#pragma once

#include "letter.hpp"

#include <postbus/sdk/store_client.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postbus::detail {

class engine;

class dead_letters {
 public:
  // A function that hears how a call of the store ended; once, on any thread, perhaps before the call returned.
  using answered = std::function<void(const sdk::store_answer&)>;
  // The event, or nullptr where it cannot be decoded; released behind it.
  struct letter {
    std::string entry;
    std::int64_t time_ns = 0;
    event_record* event = nullptr;

    letter() = default;
    letter(letter&& other) noexcept
        : entry(std::move(other.entry)), time_ns(other.time_ns), event(std::exchange(other.event, nullptr)) {}
    letter& operator=(letter other) noexcept {
      std::swap(entry, other.entry);
      std::swap(time_ns, other.time_ns);
      std::swap(event, other.event);
      return *this;
    }
    ~letter() {
      if (event != nullptr) event->release();
    }
  };
  // Where a listing goes on: behind this one.
  struct cursor {
    std::int64_t time_ns = 0;
    std::string entry;
  };
  struct page {
    std::vector<letter> letters;
    std::optional<cursor> next;
    std::string fault;  // of the store; then there is nothing else
  };

  explicit dead_letters(engine& owner) : owner_(owner) {}

  bool has_store() const noexcept;
  void keep(std::string_view box, const postbus_event& event, std::int64_t now_ns, answered done);
  // Those of `letters` that are still the ones that were read: what died again since stays. done(fault of the store, or empty).
  void erase(std::string_view box, std::span<const letter> letters, std::function<void(std::string)> done);
  void boxes(std::function<void(std::vector<std::pair<std::string, std::uint64_t>>, std::string fault)> done);
  void list(std::string_view box, const cursor& behind, std::function<void(page)> done);
  // One entry, by SOURCE/ID, or by its id where the source is this bus.
  void find(std::string_view box, std::string_view entry, std::function<void(page)> done);

 private:
  engine& owner_;
};

}  // namespace postbus::detail
