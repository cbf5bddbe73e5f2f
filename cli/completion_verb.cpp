// postbus completion: prints the script for a shell.
#include "command_line.hpp"
#include "completion.hpp"

namespace postbus::cli {
namespace {

constexpr manual about{"completion",
                       "prints the completion script for a shell",
                       "Load it from the shell's start file.",
                       "eval \"$(postbus completion bash)\"          # in ~/.bashrc\n"
                       "source <(postbus completion zsh)           # in ~/.zshrc\n"
                       "postbus completion fish | source           # in ~/.config/fish/config.fish",
                       "",
                       ""};

}  // namespace

void add_completion(CLI::App& app, invocation& i) {
  const auto shell = std::make_shared<std::string>();
  CLI::App& verb = add_verb(app, i, about, [shell, &app](const common_options&) {
    const command_words words = words_of(app);
    print(*shell == "bash"  ? bash_completion(words)
          : *shell == "zsh" ? zsh_completion(words)
                            : fish_completion(words));
    return exit_status::ok;
  });
  verb.add_option("SHELL", *shell, "bash, zsh or fish")
      ->type_name("bash|zsh|fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}).description(""));
}

}  // namespace postbus::cli
