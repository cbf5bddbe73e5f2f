#include "process_state.hpp"

#include <signal.h>
#include <unistd.h>

#include <clocale>
#include <cstdint>
#include <filesystem>
#include <string_view>

namespace postbus::conformance {
namespace {

namespace fs = std::filesystem;

std::string members_of(const sigset_t& set) {
  std::string text;
  for (int i = 1; i < NSIG; ++i)
    if (sigismember(&set, i) == 1) text += " " + std::to_string(i);
  return text;
}

}  // namespace

std::string threads_now() {
  return std::to_string(std::distance(fs::directory_iterator("/proc/self/task"), fs::directory_iterator()));
}

std::map<std::string, std::string> open_files_now() {
  std::map<std::string, std::string> files;
  std::error_code gone;  // the folder's own descriptor is among them, and then no more
  std::vector<fs::path> all;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) all.push_back(entry.path());
  for (const fs::path& file : all) {
    const fs::path to = fs::read_symlink(file, gone);
    if (!gone) files[file.filename().string()] = to.string();
  }
  return files;
}

std::map<std::string, std::string> signals_now() {
  std::map<std::string, std::string> all;
  for (int i = 1; i < NSIG; ++i) {
    struct sigaction action {};
    if (::sigaction(i, nullptr, &action) != 0) continue;
    all["signal " + std::to_string(i)] =
        "handler " + std::to_string(reinterpret_cast<std::uintptr_t>(action.sa_handler)) + ", flags " +
        std::to_string(action.sa_flags) + ", mask" + members_of(action.sa_mask);
  }
  sigset_t blocked;
  sigemptyset(&blocked);
  ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
  all["blocked signals"] = members_of(blocked);
  return all;
}

std::string locale_now() {
  const char* name = std::setlocale(LC_ALL, nullptr);  // NOLINT(concurrency-mt-unsafe): one thread
  return name != nullptr ? name : "";
}

std::string folder_now() {
  std::error_code none;
  return fs::current_path(none).string();
}

std::map<std::string, std::string> environment_now() {
  std::map<std::string, std::string> all;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    all[std::string(text.substr(0, equals))] =
        equals == text.npos ? "" : std::string(text.substr(equals + 1));
  }
  return all;
}

}  // namespace postbus::conformance
