#include "admin_file.hpp"

#include <postbus/error.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <thread>

namespace postbus::detail {
namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& what, const std::string& wanted,
                         const std::string& remedy) {
  throw error(error::bad_config, "bus.admin = \"unix:" + path + "\": " + what, wanted, remedy);
}
[[noreturn]] void refuse_by_system(const std::string& path, const std::string& what) {
  refuse(path, what + ": " + std::strerror(errno), "a socket that can be made there",
         "look at the folder and its permissions, or choose another path");
}

class descriptor {
 public:
  explicit descriptor(int fd) noexcept : fd_(fd) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// Of two buses that start on one path at once, one looks and binds before the other does. Whoever may read the folder could hold its
// lock for ever, so the wait for it ends.
class folder_lock {
 public:
  explicit folder_lock(const std::filesystem::path& file)
      : folder_(::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    for (int tries = 0; tries < 100 && ::flock(folder_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
         ++tries)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }

 private:
  descriptor folder_;
};

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  if (path.size() >= sizeof address.sun_path)
    refuse(
        path, "a path of " + std::to_string(path.size()) + " bytes",
        "at most " + std::to_string(sizeof address.sun_path - 1) + ", which is all that a Unix socket takes",
        "choose a shorter one, or one relative to the working directory");
  if (path.find('\0') != std::string::npos) refuse(path, "a NUL in the path", "none", "");
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

int open_socket(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) refuse_by_system(path, "no socket");
  return fd;
}

// What stands in the way goes, if it is a socket that nobody listens on.
void make_way(const std::string& path, const sockaddr_un& address) {
  struct stat there {};
  if (::lstat(path.c_str(), &there) != 0) {
    if (errno == ENOENT) return;
    refuse_by_system(path, "it cannot be looked at");
  }
  if (!S_ISSOCK(there.st_mode))
    refuse(path, "a file that is no socket stands there", "a path that is free",
           "remove the file if nobody needs it, or choose another path");
  const descriptor probe(open_socket(path));
  // A listener whose backlog is full says EAGAIN.
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
      errno == EAGAIN)
    refuse(path, "a bus listens there already", "a path of its own for each bus",
           "stop the other one, or choose another path");
  if (errno != ECONNREFUSED && errno != ENOENT)
    refuse_by_system(path, "a socket that cannot be asked stands there");
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    refuse_by_system(path, "the socket that nobody listens on cannot be removed");
}

}  // namespace

admin_file::admin_file(const std::string& path) : path_(std::filesystem::absolute(path)) {
  const sockaddr_un address = address_of(path);
  const folder_lock alone(path_);
  make_way(path, address);
  descriptor fd(open_socket(path));
  // Linux takes the file's mode from the socket's own, so that it is never wider than this. (umask() would do it too, for every thread
  // of the program.)
  if (::fchmod(fd.get(), S_IRUSR | S_IWUSR) != 0) refuse_by_system(path, "its mode cannot be set");
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    refuse_by_system(path, "it cannot be bound");
  struct stat mine {};
  if (::lstat(path_.c_str(), &mine) != 0) refuse_by_system(path, "it cannot be found again");
  device_ = mine.st_dev;
  inode_ = mine.st_ino;
  const bool is_private = (mine.st_mode & (S_IRWXG | S_IRWXO)) == 0;
  // Nobody can connect before somebody listens.
  if (!is_private || ::listen(fd.get(), SOMAXCONN) != 0) {
    remove();
    if (is_private) refuse_by_system(path, "it cannot be listened on");
    refuse(path, "the file system gives it a mode other than 0600", "one for this user only",
           "choose a path on another file system");
  }
  fd_ = fd.release();
}

admin_file::~admin_file() {
  remove();  // while the socket is open no other file can have its inode
  if (fd_ >= 0) ::close(fd_);
}

int admin_file::release() noexcept { return std::exchange(fd_, -1); }

void admin_file::remove() noexcept {
  const ino_t mine = std::exchange(inode_, 0);
  struct stat there {};
  if (mine != 0 && ::lstat(path_.c_str(), &there) == 0 && there.st_dev == device_ && there.st_ino == mine)
    ::unlink(path_.c_str());
}

std::optional<uid_t> peer_of(int fd) noexcept {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
  return peer.uid;
}

}  // namespace postbus::detail
