// admin_session: the connection of one client of the admin socket. It lives on the sockets' thread; what it has of the bus is its
// admin_client's.
//
// It reads no further while 64 requests are unanswered, or more than queue_max bytes of answers wait to be sent. Events are taken
// while less than queue_max bytes wait, of whatever kind, and wait in the admin_client otherwise, within the bounds there. (They do
// not stop the reading: the answers for deliveries are what makes an end of them.)
#pragma once

#include "admin.hpp"
#include "admin_client.hpp"
#include "admin_line.hpp"
#include "text/json.hpp"

#include <array>
#include <map>

namespace postbus::detail {

class admin_session : public std::enable_shared_from_this<admin_session> {
 public:
  static constexpr std::size_t unanswered_max = 64;

  admin_session(admin& owner, admin::stream::socket socket);

  void start();
  // The bus closes: says so behind what waits to be sent, and ends.
  void say_farewell();
  // Ends now.
  void drop();

 private:
  struct pending {
    json::value id;
    std::unique_ptr<boost::asio::steady_timer> deadline;  // of calls of plugins, which may never be answered
  };
  bool may_read() const noexcept;
  void read_on();
  void on_read(boost::system::error_code ec, std::size_t n);
  void take_lines();
  void take_line(std::string_view line);
  void time_line();
  // While nothing is read, nobody would see the client go.
  void watch();
  void expire(std::uint64_t request);
  void refuse_line(const json::value& id, const error& why);
  // Nothing is read any more; what waits is sent, then the connection closes.
  void refuse_and_end(const error& why);
  void answer(std::uint64_t request, std::string_view rest);
  void say(json::object line);
  void collect();
  void send_item(const admin_client::line_item& item);
  void flush();
  void on_written(boost::system::error_code ec);
  void release_client();
  void end_if_over();
  std::size_t waiting() const noexcept { return sending_.size() + to_send_.size(); }

  admin& owner_;
  admin::stream::socket socket_;
  const std::shared_ptr<admin_client> client_;
  admin_line lines_;
  std::array<char, 64 * 1024> chunk_;
  boost::asio::steady_timer line_timer_;
  std::string sending_, to_send_;
  std::size_t answers_sending_ = 0, answers_to_send_ = 0;  // bytes of them that are answers
  std::map<std::uint64_t, pending> unanswered_;
  std::uint64_t last_request_ = 0;
  bool reading_ = false, timing_ = false, watching_ = false;
  bool no_more_requests_ = false;  // the client has ended its side, or is refused, or the bus closes
  bool client_released_ = false, gone_ = false;
};

}  // namespace postbus::detail
