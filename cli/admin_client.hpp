// admin_client: a running bus, over its admin socket: JSON lines, requests with an id and answers with the same one, and lines of
// subscriptions in between. One thread.
#pragma once

#include "failure.hpp"
#include "signals.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

namespace postbus::cli {

class admin_client {
 public:
  // Connects, and reads who answers. Nothing when nobody does, with the reason in `why_not`. Throws failure when whoever answers is no
  // bus, or speaks another protocol.
  static std::unique_ptr<admin_client> connect(const std::string& path, std::string& why_not);
  ~admin_client();
  admin_client(const admin_client&) = delete;
  admin_client& operator=(const admin_client&) = delete;

  const std::string& bus_name() const noexcept { return bus_; }
  std::int64_t pid() const noexcept { return pid_; }
  const std::string& path() const noexcept { return path_; }

  // Sends a request and returns its id; `deadline` is how long the bus may wait for the answer of a plugin, 0 what it waits by itself.
  // Throws failure when the connection is lost.
  std::uint64_t send(std::string_view method, boost::json::object arguments,
                     std::chrono::nanoseconds deadline = {});
  // The next line that is not an answer call() waited for: what has been read already, else what comes until the limit. Nothing: timed
  // out. Throws failure when the connection is lost.
  std::optional<boost::json::object> receive(time_limit limit);
  // A line that has been read already.
  std::optional<boost::json::object> received();
  // Reads what has come, without waiting. False: the connection has ended.
  bool read_more();

  // Sends and waits for the answer, a little longer than the bus does. Throws failure: what the bus answers, or that it did not.
  boost::json::value call(std::string_view method, boost::json::object arguments,
                          std::chrono::nanoseconds deadline = {});

  // Says that the connection has ended. Throws failure.
  [[noreturn]] void lost() const;

  int fd() const noexcept { return fd_; }

 private:
  admin_client(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  void greet();
  std::optional<boost::json::object> next_line();
  bool wait_and_read(time_limit limit);
  [[noreturn]] void refused_or_lost();

  int fd_;
  std::string path_, bus_;
  std::int64_t pid_ = 0;
  std::uint64_t last_id_ = 0;
  std::string buffer_;
  std::size_t searched_ = 0;  // of the buffer, without a line end in it
  std::deque<boost::json::object> kept_;
  bool ended_ = false;
};

// The result of an answer. Throws failure for an "error".
boost::json::value result_of(boost::json::object&& answer);

}  // namespace postbus::cli
