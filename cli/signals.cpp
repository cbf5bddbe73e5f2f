#include "signals.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <system_error>

namespace postbus::cli {
namespace {

int checked(int fd, const char* what) {
  if (fd < 0) throw std::system_error(errno, std::generic_category(), what);
  return fd;
}

}  // namespace

signals::signals() {
  sigset_t both;
  sigemptyset(&both);
  sigaddset(&both, SIGINT);
  sigaddset(&both, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &both, nullptr);
  fd_ = checked(::signalfd(-1, &both, SFD_NONBLOCK | SFD_CLOEXEC), "signalfd");
}

signals::~signals() { ::close(fd_); }

bool signals::take() noexcept {
  signalfd_siginfo info;
  return ::read(fd_, &info, sizeof info) == static_cast<ssize_t>(sizeof info);
}

wake_up::wake_up() : fd_(checked(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd")) {}
wake_up::~wake_up() { ::close(fd_); }

void wake_up::set() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(fd_, &one, sizeof one);
}

woken wait_for(int fd, signals& s, time_limit limit) {
  using namespace std::chrono;
  for (;;) {
    int timeout_ms = -1;
    if (limit) {
      const auto left = ceil<milliseconds>(*limit - steady_clock::now()).count();
      timeout_ms = static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
    }
    pollfd both[] = {{fd, POLLIN, 0}, {s.fd(), POLLIN, 0}};
    const int ready = ::poll(both, 2, timeout_ms);
    if (ready < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "poll");
    if (ready > 0 && both[0].revents != 0) return woken::readable;
    if (ready > 0 && both[1].revents != 0 && s.take()) return woken::signalled;
    if (limit && steady_clock::now() >= *limit) return woken::timed_out;
  }
}

}  // namespace postbus::cli
