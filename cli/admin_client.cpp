#include "admin_client.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace postbus::cli {
namespace {

namespace json = boost::json;
using clock = std::chrono::steady_clock;

std::string reason(int number) { return std::generic_category().message(number); }

}  // namespace

std::unique_ptr<admin_client> admin_client::connect(const std::string& path, std::string& why_not) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    why_not = "the path is longer than the system allows";
    return nullptr;
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    why_not = reason(errno);
    if (fd >= 0) ::close(fd);
    return nullptr;
  }
  std::unique_ptr<admin_client> client(new admin_client(fd, path));
  client->greet();
  return client;
}

admin_client::~admin_client() { ::close(fd_); }

void admin_client::greet() {
  const auto hello = receive(clock::now() + std::chrono::seconds(10));
  const json::value* about = hello ? hello->if_contains("postbus") : nullptr;
  const json::object* facts = about != nullptr ? about->if_object() : nullptr;
  const json::value* protocol = facts != nullptr ? facts->if_contains("protocol") : nullptr;
  if (protocol == nullptr || *protocol != 1)
    throw failed(protocol != nullptr ? "protocol " + json::serialize(*protocol) + " on " + path_
                                     : "something on " + path_ + " that does not greet as a bus does",
                 "the admin socket of a bus with protocol 1", "use a postbus of the bus's version");
  if (const json::value* name = facts->if_contains("bus"); name != nullptr && name->is_string())
    bus_ = std::string(name->get_string());
  if (const json::value* pid = facts->if_contains("pid"); pid != nullptr && pid->is_int64())
    pid_ = pid->get_int64();
}

void admin_client::lost() const {
  throw failed("the end of the connection to bus '" + bus_ + "' on " + path_, "an answer",
               "see what became of the bus in its log; what was asked last may or may not have been done");
}

std::uint64_t admin_client::send(std::string_view method, json::object arguments,
                                 std::chrono::nanoseconds deadline) {
  json::object request{{"id", ++last_id_}, {"method", method}};
  request["args"] = std::move(arguments);
  if (deadline.count() > 0) request["deadline"] = std::to_string(deadline.count()) + "ns";
  const std::string text = json::serialize(request) + "\n";
  for (std::string_view rest = text; !rest.empty();) {
    const ssize_t sent = ::send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent >= 0) rest.remove_prefix(static_cast<std::size_t>(sent));
    else if (errno != EINTR) refused_or_lost();
  }
  return last_id_;
}

// Nothing can be sent any more: the bus may have said why before it ended the connection.
void admin_client::refused_or_lost() {
  const time_limit limit = clock::now() + std::chrono::seconds(5);
  while (!ended_ && wait_and_read(limit)) {
    while (auto line = next_line()) kept_.push_back(std::move(*line));
  }
  lost();
}

bool admin_client::read_more() {
  constexpr std::size_t chunk = 65536;
  const std::size_t before = buffer_.size();
  buffer_.resize(before + chunk);
  const ssize_t n = ::recv(fd_, buffer_.data() + before, chunk, MSG_DONTWAIT);
  buffer_.resize(before + static_cast<std::size_t>(n > 0 ? n : 0));
  if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) ended_ = true;
  return !ended_;
}

// The first whole line of the buffer.
std::optional<json::object> admin_client::next_line() {
  const std::size_t end = buffer_.find('\n', searched_);
  if (end == std::string::npos) {
    searched_ = buffer_.size();
    return std::nullopt;
  }
  boost::system::error_code ec;
  json::value line = json::parse(std::string_view(buffer_).substr(0, end), ec);
  buffer_.erase(0, end + 1);
  searched_ = 0;
  if (ec || !line.is_object())
    throw failed("a line on " + path_ + " that is no JSON object", "the admin protocol of a bus",
                 "check that the path is that of a bus");
  json::object& object = line.get_object();
  // An error that answers no request is the last thing a bus says to this client.
  if (object.contains("error") && !object.contains("id")) (void)result_of(std::move(object));
  return std::move(object);
}

// False: the limit was reached.
bool admin_client::wait_and_read(time_limit limit) {
  int timeout_ms = -1;
  if (limit)
    timeout_ms = static_cast<int>(std::max<std::int64_t>(
        0, std::chrono::ceil<std::chrono::milliseconds>(*limit - clock::now()).count()));
  pollfd one{fd_, POLLIN, 0};
  const int ready = ::poll(&one, 1, timeout_ms);
  if (ready == 0) return false;
  if (ready > 0) read_more();
  return true;
}

std::optional<json::object> admin_client::received() {
  if (kept_.empty()) return next_line();
  json::object line = std::move(kept_.front());
  kept_.pop_front();
  return line;
}

std::optional<json::object> admin_client::receive(time_limit limit) {
  for (;;) {
    if (auto line = received()) return line;
    if (ended_) lost();
    if (!wait_and_read(limit)) return std::nullopt;
  }
}

json::value admin_client::call(std::string_view method, json::object arguments,
                               std::chrono::nanoseconds deadline) {
  constexpr std::chrono::seconds by_itself{30}, a_little{5};
  const std::uint64_t id = send(method, std::move(arguments), deadline);
  const time_limit limit = clock::now() + std::max<std::chrono::nanoseconds>(deadline, by_itself) + a_little;
  for (;;) {
    if (auto line = next_line()) {
      if (const json::value* answered = line->if_contains("id"); answered != nullptr && *answered == id)
        return result_of(std::move(*line));
      kept_.push_back(std::move(*line));
      continue;
    }
    if (ended_) lost();
    if (!wait_and_read(limit))
      throw failed("no answer to " + std::string(method) + " from bus '" + bus_ + "' on " + path_,
                   "one within the time allowed", "see what keeps the bus in its log");
  }
}

json::value result_of(json::object&& answer) {
  if (const json::value* error = answer.if_contains("error"); error != nullptr && error->is_object())
    throw failure(problem_of(error->get_object()));
  json::value* result = answer.if_contains("result");
  return result != nullptr ? std::move(*result) : json::value();
}

}  // namespace postbus::cli
