// The admin socket as it comes and goes: its file, who may connect, the greeting, the end.
#include "admin/admin.hpp"

#include "engine/engine.hpp"
#include "refusal.hpp"
#include "support/admin_client.hpp"

#include <postbus/testing/manual_clock.hpp>

#include <sys/syscall.h>

#include <fstream>
#include <iostream>

using namespace postbus;
using namespace postbus::tests;

namespace {

config with_admin(const std::string& path) { return config_for("memory").admin("unix:" + path); }

bool is_socket(const std::string& path) {
  struct stat there {};
  return ::lstat(path.c_str(), &there) == 0 && S_ISSOCK(there.st_mode);
}

// A socket that nobody listens on any more.
void leave_stale(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  ::close(fd);
}

error refused(const std::string& path) {
  return refusal([&] { bus b(with_admin(path)); });
}

}  // namespace

TEST_CASE("a client is greeted with the protocol, the version, the bus and the process", "[admin]") {
  const bus_with_admin f;
  const admin_client c = f.connect();
  const json::object& hello = c.greeting.at("postbus").as_object();
  CHECK(hello.at("protocol") == 1);
  CHECK_FALSE(text(hello, "version").empty());
  CHECK(text(hello, "bus") == "fleet");
  CHECK(hello.at("pid") == ::getpid());
}

TEST_CASE("the socket is this user's alone, whatever the umask, and gone after close", "[admin]") {
  const mode_t before = ::umask(0);
  bus_with_admin f;
  ::umask(before);
  struct stat there {};
  REQUIRE(::lstat(f.path.c_str(), &there) == 0);
  CHECK((there.st_mode & 07777) == 0600);
  f.b.close();
  CHECK_FALSE(std::filesystem::exists(f.path));
}

TEST_CASE("a bus without bus.admin has no socket", "[admin]") {
  const auto e = detail::engine::make(config_for("memory"), {});
  CHECK(e->admin_counts() == nullptr);
  e->close(0, 0);
}

TEST_CASE("a socket that nobody listens on is replaced", "[admin]") {
  const temporary_folder folder;
  const std::string path = folder / "a";
  leave_stale(path);
  const bus b(with_admin(path));
  CHECK(admin_client(path).greeting.contains("postbus"));
}

TEST_CASE("a second bus on one path is refused, and the first goes on", "[admin]") {
  const bus_with_admin f;
  const error e = refused(f.path);
  CHECK(e.code() == error::bad_config);
  CHECK(has(e.found(), f.path));
  CHECK(has(e.found(), "listens there already"));
  CHECK(has(e.remedy(), "another path"));
  CHECK(is_socket(f.path));
  CHECK(f.connect().greeting.contains("postbus"));
}

TEST_CASE("a file that is no socket is refused, and left alone", "[admin]") {
  const temporary_folder folder;
  const std::string path = folder / "a";
  std::ofstream(path) << "precious";
  const error e = refused(path);
  CHECK(e.code() == error::bad_config);
  CHECK(has(e.found(), "no socket"));
  CHECK(std::filesystem::file_size(path) == 8);
}

TEST_CASE("a path that is too long, or in no folder, is refused", "[admin]") {
  const temporary_folder folder;
  const error e = refused(folder / std::string(200, 'x').c_str());
  CHECK(e.code() == error::bad_config);
  CHECK(has(e.wanted(), "at most 107"));
  const error other = refused(folder / "none/a");
  CHECK(other.code() == error::bad_config);
  CHECK(has(other.found(), "No such file or directory"));
}

TEST_CASE("what stands in the place of the socket at the end is left alone", "[admin]") {
  bus_with_admin f;
  std::filesystem::remove(f.path);
  std::ofstream(f.path) << "precious";
  f.b.close();
  CHECK(std::filesystem::exists(f.path));
}

TEST_CASE("an admin socket under a manual clock is refused, and leaves no file", "[admin]") {
  const temporary_folder folder;
  testing::manual_clock clock;
  CHECK(refusal([&] { bus b(with_admin(folder / "a").clock(clock)); }).code() == error::unsupported);
  CHECK_FALSE(std::filesystem::exists(folder / "a"));
}

TEST_CASE("the user of the bus and root may connect, and nobody else", "[admin]") {
  CHECK(detail::admits(1000, 1000));
  CHECK(detail::admits(0, 1000));
  CHECK_FALSE(detail::admits(1001, 1000));
  CHECK_FALSE(detail::admits(1000, 0));
}

TEST_CASE("a client of another user is told so, and counted", "[admin]") {
  if (::geteuid() != 0) {
    std::cout << "SKIPPED: only root can play another user\n";
    return;
  }
  const temporary_folder folder;
  const std::string path = folder / "a";
  const auto e = detail::engine::make(with_admin(path), {});
  std::filesystem::permissions(std::filesystem::path(path).parent_path(), std::filesystem::perms(0755));
  std::filesystem::permissions(path, std::filesystem::perms(0666));
  std::optional<std::string> said;
  bool closed = false;
  std::thread([&] {
    ::syscall(SYS_setresuid, -1, 65534, -1);  // of this thread alone
    admin_client stranger(path, false);
    said = stranger.line();
    closed = stranger.at_end();
  }).join();
  REQUIRE(said);
  CHECK(has(*said, R"("code":"refused")"));
  CHECK(has(*said, "65534"));
  CHECK(closed);
  CHECK(e->admin_counts()->strangers == 1);
  e->close(0, 0);
}

TEST_CASE("close tells the clients, and gives back what they hold", "[admin]") {
  bus_with_admin f;
  admin_client worker = f.connect(), idle = f.connect(), watcher = f.connect();
  worker.result("subscribe", {{"pattern", "a"}, {"group", "g"}});
  watcher.result("tail");
  f.b.publish("a", "1");
  CHECK(worker.event().contains("delivery"));
  CHECK(watcher.event().contains("event"));
  const close_report report = f.b.close();
  CHECK(report.clean);
  REQUIRE(report.subscriptions.size() == 1);  // a tail is none
  CHECK(report.total().given_back == 1);
  CHECK(report.total().taken_on == sum(report.total()));
  for (admin_client* c : {&worker, &idle, &watcher}) {
    CHECK(c->event().at("closing") == true);
    CHECK(c->at_end());
  }
  CHECK_FALSE(std::filesystem::exists(f.path));
}

TEST_CASE("a close without any time left is clean all the same when nothing is under way", "[admin]") {
  bus_with_admin f;
  const admin_client c = f.connect();
  CHECK(f.b.close(0ns, 0ns).clean);
}

TEST_CASE("close does not wait for a client that reads nothing", "[admin]") {
  bus_with_admin f(config_for("memory").set("bus.admin_queue_max", "64KiB"));
  admin_client c = f.connect();
  c.result("tail");
  for (int n = 0; n < 1000; ++n) f.b.publish("a", std::string(1000, 'x'));
  CHECK(f.b.close().clean);
}

TEST_CASE("close ends while clients come, ask and go", "[admin]") {
  for (int round = 0; round < 10; ++round) {
    bus_with_admin f;
    std::atomic<bool> over{false};
    std::atomic<int> served{0};
    std::vector<std::thread> clients;
    for (int i = 0; i < 3; ++i)
      clients.emplace_back([&] {
        while (!over) {
          const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
          sockaddr_un address{};
          address.sun_family = AF_UNIX;
          std::memcpy(address.sun_path, f.path.data(), f.path.size());
          if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
            const std::string_view lines =
                "{\"method\":\"subscribe\",\"args\":{\"pattern\":\"a\",\"group\":\"g\"}}\n{\"method\":"
                "\"tail\"}\n"
                "{\"method\":\"publish\",\"args\":{\"topic\":\"a\",\"data\":\"x\"}}\n";
            ::send(fd, lines.data(), lines.size(), MSG_NOSIGNAL);
            char some[100];
            ::recv(fd, some, sizeof some, 0);
            ++served;
          }
          ::close(fd);
        }
      });
    CHECK(eventually([&] { return served > 10; }));
    const close_report report = f.b.close();
    CHECK(report.clean);
    CHECK(report.total().taken_on == sum(report.total()));
    over = true;
    for (std::thread& t : clients) t.join();
  }
}
