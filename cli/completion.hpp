// completion: the scripts that let a shell complete the command's words.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace postbus::cli {

// The words of a command, as far as a shell needs them.
struct command_words {
  struct option {
    std::vector<std::string> names;  // "--config", "-c"
    std::string description;
    bool takes_value = false, takes_file = false;
    std::vector<std::string> values;  // of a value that is one of a few
  };
  std::string name, summary;
  std::vector<option> options;
  std::vector<command_words> commands;
  bool takes_files = false;        // its arguments are files
  std::vector<std::string> words;  // its first argument is one of these
};

command_words words_of(const CLI::App& app);

std::string bash_completion(const command_words& root);
std::string zsh_completion(const command_words& root);
std::string fish_completion(const command_words& root);

}  // namespace postbus::cli
