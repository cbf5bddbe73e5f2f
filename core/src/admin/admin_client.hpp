// admin_client: what one client of the admin socket has of the bus: its subscriptions, the deliveries whose answers it owes, and what is
// on its way to it. Everything here may be called from any thread and waits for none; the socket is its session's business.
//
// The bus's threads put things in (deliver, copy, answer) and wake the session, which takes them out as it has room. Nothing here
// grows without a bound: deliveries are bounded by the prefetch of their subscription, copies by tail_bytes_max, answers by what the
// session lets be asked.
#pragma once

#include "admin_counts.hpp"
#include "engine/engine.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace postbus::detail {

// One subscription or tail of a client. Its members below the line belong to the client's lock.
struct admin_feed {
  enum class kind { deliveries, copies };
  struct arrival {
    postbus::event what;
    std::optional<settlement> owed;  // of a delivery
    unsigned attempt = 0;
    std::size_t bytes = 0;               // of a copy
    std::uint64_t discarded_before = 0;  // copies there was no room for since the last one
  };

  admin_feed(std::uint64_t n, std::string p, kind k) : number(n), pattern(std::move(p)), what(k) {}
  const std::uint64_t number;
  const std::string pattern;
  const kind what;
  // ----
  std::deque<arrival> waiting;
  std::uint64_t discarded = 0;
  bool announced = false;  // the client knows the number
  bool ended = false;
  std::shared_ptr<subscription_state> subscription;  // used by the thread that may wait only
};

class admin_client {
 public:
  static constexpr std::size_t feeds_max = 256;  // subscriptions of one client

  admin_client(engine& owner, admin_counts& counts, std::size_t tail_bytes_max)
      : owner_(owner), counts_(counts), tail_bytes_max_(tail_bytes_max) {}

  // ---- for whoever answers a request, by the number the session gave it
  struct answer {
    std::uint64_t request;
    std::string line;  // what follows the id: "result":{…}}
  };
  void put_answer(std::uint64_t request, std::string line);

  // ---- subscriptions; open, close and end on the thread that may wait
  // Throws what engine::subscribe does, and error::full. The client hears of nothing before announce().
  static std::shared_ptr<admin_feed> open(const std::shared_ptr<admin_client>& self, std::string pattern,
                                          admin_feed::kind what, const subscribe_options& options);
  // Throws error::bad_argument. What was not sent goes back; what was sent may still be answered.
  void close(std::uint64_t number);
  // Every subscription ends, and every delivery without an answer goes back.
  void end();
  // Takes the answer for a delivery that was sent. Throws error::already_settled, error::bad_argument.
  settlement take_delivery(std::uint64_t number);

  // ---- for the session
  // `wake` is called when something came; not again before take_answers(). Empty: the session is gone. Not inside another function.
  void on_arrival(std::function<void()> wake);
  std::deque<answer> take_answers();
  struct line_item {
    std::shared_ptr<admin_feed> feed;
    admin_feed::arrival came;
    std::uint64_t delivery = 0;  // the number by which the client answers
  };
  // What is to be sent next; the subscriptions take turns. A delivery counts as sent from now on. `came.what` is empty where only
  // discarded copies are to be told.
  std::optional<line_item> next();
  void announce(admin_feed& feed);

 private:
  struct handler_object;
  void deliver(admin_feed& feed, const delivery& d);
  void copy(admin_feed& feed, const delivery& d);
  void wake();  // under the lock
  void finish(const std::shared_ptr<admin_feed>& feed);

  engine& owner_;
  admin_counts& counts_;
  const std::size_t tail_bytes_max_;
  std::mutex mutex_;  // of what follows
  std::function<void()> on_arrival_;
  bool woken_ = false;
  std::deque<answer> answers_;
  std::map<std::uint64_t, std::shared_ptr<admin_feed>> feeds_;
  std::uint64_t last_feed_ = 0, turn_ = 0;
  std::map<std::uint64_t, settlement> sent_;
  std::uint64_t last_delivery_ = 0;
  std::size_t tail_bytes_ = 0;
};

}  // namespace postbus::detail
