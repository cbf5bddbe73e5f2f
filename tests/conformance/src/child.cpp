// A result from a child process: over a pipe, as texts that end in NUL, the last one empty so that a child that broke off is known.
#include <postbus/conformance/library.hpp>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace postbus::conformance {
namespace {

using clock = std::chrono::steady_clock;

constexpr std::string_view whole = "whole";

std::string packed(const result& r) {
  std::string text(to_string(r.verdict));
  text += '\0';
  for (const std::string& reason : r.reasons) text.append(reason.substr(0, reason.find('\0'))) += '\0';
  return text.append(whole) += '\0';
}

bool unpack(std::string_view text, result& r) {
  std::vector<std::string> parts;
  for (std::size_t end = text.find('\0'); end != text.npos; end = text.find('\0')) {
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  if (parts.size() < 2 || parts.back() != whole) return false;
  for (const verdict v : {verdict::passed, verdict::failed, verdict::skipped})
    if (parts.front() == to_string(v)) r.verdict = v;
  r.reasons.assign(parts.begin() + 1, parts.end() - 1);
  return true;
}

[[noreturn]] void be_child(int fd, pid_t parent, const std::function<result()>& f) {
  // Nothing is left when the parent is killed.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  ::dup2(STDERR_FILENO, STDOUT_FILENO);
  std::string text;
  try {
    text = packed(f());
  } catch (const std::exception& e) {
    text = packed({verdict::failed, {e.what()}, {}});
  }
  for (std::string_view rest = text; !rest.empty();) {
    const ssize_t n = ::write(fd, rest.data(), rest.size());
    if (n < 0 && errno != EINTR) ::_exit(1);
    if (n > 0) rest.remove_prefix(static_cast<std::size_t>(n));
  }
  ::_exit(0);
}

// Everything until the end; false when the deadline came first.
bool read_all(int fd, clock::time_point end, std::string& to) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - clock::now()).count();
    pollfd p{fd, POLLIN, 0};
    const int ready = left <= 0 ? 0 : ::poll(&p, 1, static_cast<int>(left));
    if (ready == 0) return false;
    if (ready < 0) continue;
    char chunk[4096];
    const ssize_t n = ::read(fd, chunk, sizeof chunk);
    if (n == 0) return true;
    if (n > 0) to.append(chunk, static_cast<std::size_t>(n));
  }
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) return std::string("it was ended by the signal ") + ::strsignal(WTERMSIG(status));
  return "it ended with the status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

result run_in_child(const std::function<result()>& f, std::chrono::nanoseconds deadline) {
  const auto begin = clock::now();
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "a pipe");
  const pid_t parent = ::getpid(), child = ::fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "a child process");
  if (child == 0) {
    ::close(ends[0]);
    be_child(ends[1], parent, f);
  }
  ::close(ends[1]);
  std::string text;
  const bool in_time = read_all(ends[0], begin + deadline, text);
  ::close(ends[0]);
  if (!in_time) ::kill(child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  result r;
  if (!in_time) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(deadline).count();
    r = {verdict::failed, {"expected an end within " + std::to_string(seconds) + " s; there was none"}, {}};
  } else if (!unpack(text, r)) {
    r = {verdict::failed, {"expected that it runs to its end; " + how_it_ended(status)}, {}};
  }
  r.took = clock::now() - begin;
  return r;
}

}  // namespace postbus::conformance
