// A client of the admin socket that a test steers line by line. Everything waits for a condition with a deadline.
#pragma once

#include "support/bus.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <deque>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace postbus::tests {

namespace json = boost::json;

class admin_client {
 public:
  // Connects, and reads the greeting where `greeted`.
  explicit admin_client(const std::string& path, bool greeted = true)
      : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    REQUIRE(path.size() < sizeof address.sun_path);
    std::memcpy(address.sun_path, path.data(), path.size());
    REQUIRE(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    if (greeted) greeting = next();
  }
  admin_client(admin_client&& other) noexcept
      : greeting(std::move(other.greeting)),
        others(std::move(other.others)),
        fd_(std::exchange(other.fd_, -1)),
        read_(std::move(other.read_)) {}
  admin_client& operator=(admin_client&&) = delete;
  ~admin_client() { kill(); }

  // Gone without a word.
  void kill() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void end_writing() { ::shutdown(fd_, SHUT_WR); }

  // False when the other side closed. Waits while there is no room, up to the deadline.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0 && errno != EAGAIN && errno != EINTR) return false;
      if (n < 0) {
        REQUIRE(wait_for(POLLOUT));
      } else {
        bytes.remove_prefix(static_cast<std::size_t>(n));
      }
    }
    return true;
  }

  // The next line; nothing when the other side closed.
  std::optional<std::string> line() {
    for (;;) {
      if (const std::size_t end = read_.find('\n'); end != std::string::npos) {
        std::string found = read_.substr(0, end);
        read_.erase(0, end + 1);
        return found;
      }
      REQUIRE(wait_for(POLLIN));
      char chunk[65536];
      const ssize_t n = ::recv(fd_, chunk, sizeof chunk, 0);
      if (n <= 0) return std::nullopt;
      read_.append(chunk, static_cast<std::size_t>(n));
    }
  }
  json::object next() {
    const auto text = line();
    REQUIRE(text);
    return json::parse(*text).as_object();
  }
  bool at_end() { return !line(); }

  // Asks, and returns the answer; lines of subscriptions that come before it are kept in `others`.
  json::object ask(std::string_view method, json::object args = {}) {
    const std::uint64_t id = ++asked_;
    REQUIRE(send(json::serialize(json::object{{"id", id}, {"method", method}, {"args", std::move(args)}}) +
                 "\n"));
    for (;;) {
      json::object answer = next();
      if (const json::value* of = answer.if_contains("id"); of != nullptr && *of == json::value(id))
        return answer;
      others.push_back(std::move(answer));
    }
  }
  // The result of one that must go well.
  json::value result(std::string_view method, json::object args = {}) {
    const json::object answer = ask(method, std::move(args));
    INFO(json::serialize(answer));
    REQUIRE(answer.contains("result"));
    return answer.at("result");
  }
  // The error of one that must not.
  json::object refusal(std::string_view method, json::object args = {}) {
    const json::object answer = ask(method, std::move(args));
    INFO(json::serialize(answer));
    REQUIRE(answer.contains("error"));
    return answer.at("error").as_object();
  }
  // The next line that is no answer.
  json::object event() {
    if (others.empty()) return next();
    json::object first = std::move(others.front());
    others.pop_front();
    return first;
  }

  json::object greeting;
  std::deque<json::object> others;

 private:
  bool wait_for(short what) {
    pollfd p{fd_, what, 0};
    return ::poll(&p, 1, static_cast<int>(std::chrono::milliseconds(deadline).count())) == 1;
  }

  int fd_ = -1;
  std::string read_;
  std::uint64_t asked_ = 0;
};

inline std::string_view text(const json::value& v) {
  const json::string& s = v.as_string();
  return {s.data(), s.size()};
}
inline std::string_view text(const json::object& o, std::string_view name) { return text(o.at(name)); }

// A bus on memory with an admin socket in a folder of its own.
struct bus_with_admin {
  temporary_folder folder;
  std::string path = folder / "bus.sock";
  bus b;

  explicit bus_with_admin(config c = config_for("memory")) : b(c.name("fleet").admin("unix:" + path)) {}
  admin_client connect() const { return admin_client(path); }
};

}  // namespace postbus::tests
