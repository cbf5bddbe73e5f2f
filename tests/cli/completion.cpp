#include "completion.hpp"

#include "command_line.hpp"
#include "support/catch.hpp"

#include <unistd.h>

#include <cstdio>
#include <fstream>

using namespace postbus::cli;

namespace {

command_words all_words() {
  invocation i;
  const auto app = make_command_line(i);
  return words_of(*app);
}

// What a shell prints.
std::string printed_by(const std::string& command) {
  std::string text;
  FILE* pipe = ::popen(command.c_str(), "r");  // NOLINT(cert-env33-c): a test
  REQUIRE(pipe != nullptr);
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) text += static_cast<char>(c);
  CHECK(::pclose(pipe) == 0);
  return text;
}

class script_file {
 public:
  explicit script_file(const std::string& text) : path_("completion-" + std::to_string(::getpid()) + ".sh") {
    std::ofstream(path_) << text;
  }
  ~script_file() { ::unlink(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// What bash offers for the last of these words.
std::string completions(const std::vector<std::string>& words) {
  const script_file script(bash_completion(all_words()));
  std::string array;
  for (const std::string& word : words) array += "'" + word + "' ";
  return printed_by("bash -c \"source ./" + script.path() + "; COMP_WORDS=(" + array +
                    "); COMP_CWORD=" + std::to_string(words.size() - 1) +
                    "; _postbus; printf '%s ' \\\"\\${COMPREPLY[@]}\\\"\"");
}

}  // namespace

TEST_CASE("the bash script is good bash", "[cli][completion]") {
  const script_file script(bash_completion(all_words()));
  CHECK(printed_by("bash -n ./" + script.path() + " 2>&1").empty());
}

TEST_CASE("bash completes commands, options, values and files", "[cli][completion]") {
  CHECK(completions({"postbus", "he"}) == "health ");
  CHECK(completions({"postbus", "co"}) == "config completion ");
  CHECK(completions({"postbus", "pub", "--nd"}) == "--ndjson ");
  CHECK(completions({"postbus", "pub", "--con"}) == "--content-type --config ");
  CHECK(completions({"postbus", "config", "sh"}) == "show ");
  CHECK(completions({"postbus", "--color", "al"}) == "always ");
  CHECK(completions({"postbus", "log", "de"}) == "debug ");
  CHECK(completions({"postbus", "completion", "z"}) == "zsh ");
  CHECK(completions({"postbus", "--config", "completion-"}).find(".sh") != std::string::npos);
  CHECK(completions({"postbus", "config", "check", "completion-"}).find(".sh") != std::string::npos);
  CHECK(completions({"postbus", "sub", "--group", "x"}) == " ");
}

TEST_CASE("zsh and fish know every command and option", "[cli][completion]") {
  const command_words words = all_words();
  const std::string zsh = zsh_completion(words), fish = fish_completion(words);
  for (const command_words& command : words.commands) {
    CAPTURE(command.name);
    CHECK(zsh.find("'" + command.name + ":") != std::string::npos);
    CHECK(fish.find(" -a " + command.name + " -d ") != std::string::npos);
    for (const auto& option : command.options) {
      CAPTURE(option.names.front());
      CHECK(zsh.find(option.names.front()) != std::string::npos);
      CHECK(fish.find(" -l " + option.names.front().substr(2)) != std::string::npos);
    }
  }
  CHECK(zsh.find("#compdef postbus") == 0);
}
