// scene: what a row plays on. It makes buses on the transport under test and hides whether their time is virtual.
//
//   void fan_out(scene& s) {
//     bus& b = s.open();
//     collected<std::string> got;
//     const auto sub = b.subscribe("a", [&](const delivery& d) { got.add(d.text()); });
//     s.publish(b, "a", "x");
//     s.wait_until([&] { return got.size() == 1; }, "the event arrives");
//   }
//
// On the virtual clock handlers run inside wait_until(), settle_down() and pass(), on this thread; in real time whenever they like.
// Used from one thread; threads that a row starts use the bus itself.
#pragma once

#include <postbus/bus.hpp>
#include <postbus/inspect.hpp>
#include <postbus/testing/manual_clock.hpp>

#include <concepts>
#include <functional>
#include <memory>
#include <mutex>
#include <source_location>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace postbus::conformance {

// Thrown by require() and wait_until(): the rest of the row would say nothing.
struct row_over {};
// Thrown by skip(): the transport has not what the row looks at.
struct row_skipped {
  std::string why;
};

class scene {
 public:
  using where = std::source_location;

  // `patience`: how long wait_until() waits in real time.
  scene(config base, bool in_virtual_time, std::chrono::nanoseconds patience = std::chrono::seconds(10));
  scene(const scene&) = delete;
  scene& operator=(const scene&) = delete;
  ~scene();

  // A bus on the transport under test, with settings of its own: {"transport.data_max", "64KiB"}. It lives as long as the scene.
  using settings = std::vector<std::pair<std::string, std::string>>;
  bus& open(const settings& own = {});
  // The same as a configuration, for a row that makes and destroys buses itself.
  config configuration(const settings& own = {});
  // Whether the transport has a setting of this name: "queue_max".
  bool has_setting(std::string_view name) const;
  // Whether a plugin of this id could be used.
  bool has_plugin(std::string_view id) const;
  // Whether what the one bus publishes arrives at the other.
  bool reach_each_other(bus& hears, bus& says, const where& at = where::current());
  // What becomes of a capability, by its name; of one that is not listed: refused.
  capability_info::how supplied(std::string_view capability) const;
  // Skips the row unless the transport itself has the capability: what the bus does in its place ends with the subscription.
  void need_own(std::string_view capability);

  bool is_virtual() const noexcept { return clock_ != nullptr; }
  std::chrono::nanoseconds now() const;

  // Returns the receipt; a publish that fails ends the row.
  receipt publish(bus& b, std::string_view topic, bytes_view data, publish_options options = {},
                  const where& at = where::current());
  // What waits for room no longer than a moment: the error, or none.
  error_code try_publish(bus& b, std::string_view topic, bytes_view data, publish_options options = {});

  // Until the condition holds; ends the row with "waited until <what>" when it does not within a minute of virtual time.
  void wait_until(const std::function<bool()>& condition, std::string_view what,
                  const where& at = where::current());
  // The same, and goes on when it does not: what is missing is then for the row to say.
  bool await(const std::function<bool()>& condition);
  // Until what was published before has arrived wherever it goes: for saying afterwards that nothing more came. In real time an event
  // of our own is sent behind it, over the same way.
  void settle_down(const where& at = where::current());
  // Calls a method of the bus, with JSON: "dead.list". One that fails ends the row.
  std::string call(bus& b, std::string_view method, std::string_view json = "{}",
                   const where& at = where::current());
  // Lets so much time go by: in real time at least so much, so use little of it.
  void let_pass(std::chrono::nanoseconds duration);
  // Lets time go by: on the virtual clock only.
  void pass(std::chrono::nanoseconds duration);

  // ---- what the row expects. A sentence in the present: "each member gets some".
  void expect(bool holds, std::string_view sentence, const where& at = where::current());
  template <class A, class B>
  void expect_equal(const A& seen, const B& expected, std::string_view what,
                    const where& at = where::current()) {
    if (seen == expected) return;
    std::ostringstream text;
    text << what << ": expected " << expected << ", saw " << seen;
    fail(text.str(), at);
  }
  void require(bool holds, std::string_view sentence, const where& at = where::current());
  void fail(std::string sentence, const where& at = where::current());
  [[noreturn]] void skip(std::string why);

  // The sentences so far, each with its place.
  const std::vector<std::string>& failures() const noexcept { return failures_; }

 private:
  void fence(bus& b, const where& at);

  config base_;
  std::unique_ptr<testing::manual_clock> clock_;
  const std::chrono::nanoseconds patience_;
  std::vector<std::unique_ptr<bus>> buses_;
  std::mutex mutex_;  // of the failures
  std::vector<std::string> failures_;
  unsigned fences_ = 0;
};

// What handlers saw, in order. Any thread.
template <class T>
class collected {
 public:
  template <class U>
  void add(U&& value) {
    const std::lock_guard lock(mutex_);
    values_.emplace_back(std::forward<U>(value));
  }
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return values_.size();
  }
  std::vector<T> all() const {
    const std::lock_guard lock(mutex_);
    return values_;
  }
  std::vector<T> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(values_, {});
  }

 private:
  mutable std::mutex mutex_;
  std::vector<T> values_;
};

// "0", "1" … up to n.
std::vector<std::string> numbers(std::size_t n);

// Expects that `seen` holds the numbers up to n, each once; says how many are missing, double and strange. The order is another row's.
void expect_each_once(scene& s, const std::vector<std::string>& seen, std::size_t n, std::string_view what,
                      const scene::where& at = scene::where::current());

// The deliveries that have an end.
std::uint64_t ended(const delivery_counts& c);

}  // namespace postbus::conformance
