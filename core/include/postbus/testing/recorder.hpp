// recorder: what a test can say afterwards about a bus: which events were published, which were given to handlers, how those ended.
//
//   postbus::testing::recorder r(bus, "jobs:**");
//   auto s = bus.subscribe("jobs:*", r.watch([](const postbus::delivery& d) { … }));
//   bus.publish("jobs:tea", "x");
//   clock.run_until_idle();
//   r.published("jobs:*").size() == 1; r.delivered("jobs:tea").size() == 1;
//
// It hears of events through a subscription of its own, without a group: of those that another bus publishes too, where they share a
// transport, and only once their turn has come. Any thread. Handlers that it watches may outlive it.
#pragma once

#include <postbus/bus.hpp>

#include <postbus/sdk/topic.hpp>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postbus::testing {

class recorder {
 public:
  // How a handler ended. One that took its settlement along has only returned: what it answers later is not seen here.
  enum ending { running, returned, retried, rejected, failed };
  static constexpr std::string_view ending_names[] = {"running", "returned", "retried", "rejected", "failed"};

  struct call {
    event what;
    unsigned attempt = 0;
    ending how = running;
  };

  // Throws what subscribe throws.
  recorder(bus& of, std::string_view pattern)
      : subscription_(of.subscribe(pattern, [book = book_](const delivery& d) {
          event what = d.event();
          const std::lock_guard lock(book->mutex);
          book->published.push_back(std::move(what));
        })) {}

  // The same handler, watched. What it throws goes on to the bus. For plain handlers.
  template <plain_handler F>
  auto watch(F handler) const {
    return [book = book_, handler = std::move(handler)](const delivery& d) mutable {
      const std::size_t mine = book->begin(d);
      try {
        handler(d);
      } catch (const retry&) {
        book->end(mine, retried);
        throw;
      } catch (const reject&) {
        book->end(mine, rejected);
        throw;
      } catch (...) {
        book->end(mine, failed);
        throw;
      }
      book->end(mine, returned);
    };
  }

  // Those whose topics match, in the order in which they came.
  std::vector<event> published(std::string_view pattern) const {
    const std::lock_guard lock(book_->mutex);
    std::vector<event> found;
    for (const event& e : book_->published)
      if (sdk::matches(pattern, e.topic())) found.push_back(e);
    return found;
  }
  std::vector<call> delivered(std::string_view pattern) const {
    const std::lock_guard lock(book_->mutex);
    std::vector<call> found;
    for (const call& c : book_->calls)
      if (sdk::matches(pattern, c.what.topic())) found.push_back(c);
    return found;
  }
  std::vector<call> settled(std::string_view pattern, ending how) const {
    std::vector<call> found = delivered(pattern);
    std::erase_if(found, [&](const call& c) { return c.how != how; });
    return found;
  }

  // All of it, a line each, for a test that failed.
  std::string text() const {
    const std::lock_guard lock(book_->mutex);
    std::string all;
    for (const event& e : book_->published) all.append("\n  published ").append(e.topic());
    for (const call& c : book_->calls)
      all.append("\n  delivered ")
          .append(c.what.topic())
          .append(", attempt " + std::to_string(c.attempt) + ": ")
          .append(ending_names[c.how]);
    return all.empty() ? "nothing" : all;
  }

 private:
  struct book {
    std::size_t begin(const delivery& d) {
      call c{d.event(), d.attempt(), running};
      const std::lock_guard lock(mutex);
      calls.push_back(std::move(c));
      return calls.size() - 1;
    }
    void end(std::size_t which, ending how) {
      const std::lock_guard lock(mutex);
      calls[which].how = how;
    }

    std::mutex mutex;
    std::vector<event> published;
    std::vector<call> calls;
  };

  std::shared_ptr<book> book_ = std::make_shared<book>();
  subscription subscription_;
};

}  // namespace postbus::testing
