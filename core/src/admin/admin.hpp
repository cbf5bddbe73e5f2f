// admin: the admin socket of a bus: `bus.admin = "unix:PATH"`. JSON lines, one object each, for clients of the same user; the protocol
// stands in docs/operations.md.
//
// Two threads of its own: one for the sockets, which waits for nothing else, and one for what may wait (subscribe, unsubscribe, health,
// methods of plugins). No worker of the bus ever waits for a client.
#pragma once

#include "admin_counts.hpp"
#include "admin_file.hpp"
#include "config/settings.hpp"
#include "engine/deadline.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>

namespace postbus::detail {

class admin_session;
class engine;

class admin {
 public:
  using stream = boost::asio::local::stream_protocol;

  // Listens, and serves nobody yet. Throws error::bad_config.
  admin(engine& owner, const admin_settings& settings);
  admin(const admin&) = delete;
  admin& operator=(const admin&) = delete;
  // start() never came, or wait() said true.
  ~admin();

  void start();
  // Takes no more clients; tells those there are, ends their subscriptions and gives back what they hold. Returns when all that is
  // done, or after a second: that it is not done means that somebody's code does not return, and close() goes on meanwhile.
  void stop();
  // After stop(): whether its threads have ended; false if the deadline passed before. Then they may still use the engine.
  bool wait(const deadline& end);
  // For who waits: its deadline was brought forward.
  void look_at_the_time_again();
  // The engine is kept for ever, and so is this: its threads may end when they like.
  void abandon();

  const admin_counts& counts() const noexcept { return counts_; }

  // ---- for the sessions
  // On the thread that may wait, one after the other.
  void may_wait(std::function<void()> f);
  void ended(const std::shared_ptr<admin_session>& session);
  // What a client did, or suffered; `what` names the burst of the log that it belongs to.
  void warn(std::string_view what, std::string_view message);
  engine& owner() noexcept { return owner_; }
  const admin_settings& settings() const noexcept { return settings_; }
  admin_counts& counts() noexcept { return counts_; }

 private:
  void accept();
  void welcome(stream::socket socket);
  // Tells the client why, and closes.
  static void turn_away(stream::socket& socket, int code, const std::string& found, const std::string& wanted,
                        const std::string& remedy);
  void close_all();
  void run(boost::asio::io_context& context);

  engine& owner_;
  const admin_settings settings_;
  admin_counts counts_;
  admin_file file_;
  boost::asio::io_context sockets_, waiting_;
  using work = boost::asio::executor_work_guard<boost::asio::io_context::executor_type>;
  work sockets_work_{sockets_.get_executor()}, waiting_work_{waiting_.get_executor()};
  stream::acceptor acceptor_{sockets_};
  boost::asio::steady_timer pause_{
      sockets_};  // before the next try to accept; at the end, for who does not read
  std::set<std::shared_ptr<admin_session>> sessions_;
  bool closing_ = false;  // on the sockets' thread

  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  unsigned running_ = 0;  // threads
  bool stopped_ = false;
  std::thread threads_[2];
};

}  // namespace postbus::detail
