// process: the command as a child process, with its words, its input, and what it prints.
#pragma once

#include "support/temporary_folder.hpp"

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace postbus::tests {

using postbus::temporary_folder;

class process {
 public:
  // Runs `postbus`, or another program, with these arguments in the folder, `input` being its standard input.
  process(const temporary_folder& folder, std::vector<std::string> arguments, const std::string& input = "",
          const std::vector<std::string>& environment = {}, const char* program = POSTBUS_COMMAND);
  ~process();  // kills it, if it still runs
  process(const process&) = delete;
  process& operator=(const process&) = delete;

  // True as soon as it has printed `text` on either output; false if it ended, or the deadline passed, without.
  bool prints(std::string_view text);
  void signal(int number) const;
  // Waits for its end and returns the exit status; -1 when a signal ended it, or we did after the deadline.
  int status();
  std::string out() const;
  std::string err() const;

 private:
  struct output {
    int fd = -1;
    std::string text;
    bool ended = false;
  };
  void read(output& from);

  int pid_ = -1, status_ = -1;
  bool waited_ = false;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  output out_, err_;
  std::vector<std::thread> threads_;
};

// A command that ends by itself.
struct outcome {
  int status;
  std::string out, err;
};
outcome run(const temporary_folder& folder, std::vector<std::string> arguments, const std::string& input = "",
            const std::vector<std::string>& environment = {});

// Runs it with a standard output that nobody reads; returns the exit status.
int run_without_reader(const temporary_folder& folder, std::vector<std::string> arguments);

std::size_t lines_in(std::string_view text);

}  // namespace postbus::tests
