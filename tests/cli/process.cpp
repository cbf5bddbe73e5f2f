#include "process.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace postbus::tests {
namespace {

const std::chrono::seconds deadline{60};

struct pipe_ends {
  int read = -1, write = -1;
};

pipe_ends make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  return {fds[0], fds[1]};
}

// Variables of whoever runs the tests must not change what the command does.
void use_environment(const std::vector<std::string>& variables) {
  ::unsetenv("POSTBUS_CONFIG");
  ::unsetenv("NOTIFY_SOCKET");
  for (const std::string& v : variables) ::putenv(const_cast<char*>(v.c_str()));
}

}  // namespace

process::process(const temporary_folder& folder, std::vector<std::string> arguments, const std::string& input,
                 const std::vector<std::string>& environment, const char* program) {
  const pipe_ends in = make_pipe(), out = make_pipe(), err = make_pipe();
  std::vector<char*> words{const_cast<char*>(program)};
  for (std::string& a : arguments) words.push_back(a.data());
  words.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(in.read, STDIN_FILENO);
    ::dup2(out.write, STDOUT_FILENO);
    ::dup2(err.write, STDERR_FILENO);
    use_environment(environment);
    if (::chdir(folder.path.c_str()) == 0) ::execv(program, words.data());
    ::_exit(127);
  }
  for (const int fd : {in.read, out.write, err.write}) ::close(fd);
  out_.fd = out.read;
  err_.fd = err.read;
  threads_.emplace_back([this] { read(out_); });
  threads_.emplace_back([this] { read(err_); });
  threads_.emplace_back([fd = in.write, input] {
    std::signal(SIGPIPE, SIG_IGN);
    for (std::string_view rest = input; !rest.empty();) {
      const ssize_t n = ::write(fd, rest.data(), rest.size());
      if (n <= 0) break;
      rest.remove_prefix(static_cast<std::size_t>(n));
    }
    ::close(fd);
  });
}

process::~process() {
  if (!waited_) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  for (std::thread& t : threads_) t.join();
}

void process::read(output& from) {
  char bytes[4096];
  for (;;) {
    const ssize_t n = ::read(from.fd, bytes, sizeof bytes);
    const std::lock_guard lock(mutex_);
    if (n > 0) from.text.append(bytes, static_cast<std::size_t>(n));
    from.ended = n <= 0;
    changed_.notify_all();
    if (from.ended) break;
  }
  ::close(from.fd);
}

bool process::prints(std::string_view text) {
  std::unique_lock lock(mutex_);
  const auto has = [&] {
    return out_.text.find(text) != std::string::npos || err_.text.find(text) != std::string::npos;
  };
  changed_.wait_for(lock, deadline, [&] { return has() || (out_.ended && err_.ended); });
  return has();
}

void process::signal(int number) const { ::kill(pid_, number); }

int process::status() {
  if (waited_) return status_;
  {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, deadline, [&] { return out_.ended && err_.ended; })) ::kill(pid_, SIGKILL);
  }
  int raw = 0;
  ::waitpid(pid_, &raw, 0);
  waited_ = true;
  status_ = WIFEXITED(raw) ? WEXITSTATUS(raw) : -1;
  return status_;
}

std::string process::out() const {
  const std::lock_guard lock(mutex_);
  return out_.text;
}

std::string process::err() const {
  const std::lock_guard lock(mutex_);
  return err_.text;
}

outcome run(const temporary_folder& folder, std::vector<std::string> arguments, const std::string& input,
            const std::vector<std::string>& environment) {
  process p(folder, std::move(arguments), input, environment);
  const int status = p.status();
  return {status, p.out(), p.err()};
}

int run_without_reader(const temporary_folder& folder, std::vector<std::string> arguments) {
  std::vector<char*> words{const_cast<char*>(POSTBUS_COMMAND)};
  for (std::string& a : arguments) words.push_back(a.data());
  words.push_back(nullptr);
  const pipe_ends out = make_pipe();
  ::close(out.read);
  const int pid = ::fork();
  if (pid == 0) {
    ::dup2(out.write, STDOUT_FILENO);
    ::dup2(out.write, STDERR_FILENO);
    use_environment({});
    if (::chdir(folder.path.c_str()) == 0) ::execv(POSTBUS_COMMAND, words.data());
    ::_exit(127);
  }
  ::close(out.write);
  int raw = 0;
  ::waitpid(pid, &raw, 0);
  return WIFEXITED(raw) ? WEXITSTATUS(raw) : -1;
}

std::size_t lines_in(std::string_view text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace postbus::tests
