// signals: SIGINT and SIGTERM as something to wait for. Only the command takes signals; the library never does.
#pragma once

#include <chrono>
#include <optional>

namespace postbus::cli {

using time_limit = std::optional<std::chrono::steady_clock::time_point>;  // none: for ever

// From its making on, both signals are held back from this thread and every thread made later, and can be taken here. Make it before
// a bus.
class signals {
 public:
  signals();
  ~signals();
  signals(const signals&) = delete;
  signals& operator=(const signals&) = delete;

  int fd() const noexcept { return fd_; }
  // Whether one has come; takes it.
  bool take() noexcept;

 private:
  int fd_;
};

// Set from any thread, waited for by its descriptor.
class wake_up {
 public:
  wake_up();
  ~wake_up();
  wake_up(const wake_up&) = delete;
  wake_up& operator=(const wake_up&) = delete;

  int fd() const noexcept { return fd_; }
  void set() noexcept;

 private:
  int fd_;
};

enum class woken { readable, signalled, timed_out };
// Waits until there is something to read from `fd` (-1: nothing ever is), a signal has come, which is taken, or the limit is reached.
// What is readable comes first.
woken wait_for(int fd, signals& s, time_limit limit);

}  // namespace postbus::cli
