#include "completion.hpp"

#include <algorithm>
#include <functional>

namespace postbus::cli {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

// The values of an argument that is one of a few: its type is then called "auto|always|never".
std::vector<std::string> values_of(const CLI::Option& o) {
  const std::string type = o.get_type_name();
  std::vector<std::string> values;
  for (std::size_t at = 0; type.find('|') != std::string::npos && at < type.size();) {
    const std::size_t end = std::min(type.find('|', at), type.size());
    values.push_back(type.substr(at, end - at));
    at = end + 1;
  }
  return values;
}

command_words::option option_of(const CLI::Option& o) {
  command_words::option option{{}, first_line(o.get_description()), o.get_type_size() != 0, false, {}};
  for (const std::string& name : o.get_lnames()) option.names.push_back("--" + name);
  for (const std::string& name : o.get_snames()) option.names.push_back("-" + name);
  option.takes_file = o.get_type_name() == "FILE" || o.get_type_name() == "PATH";
  option.values = values_of(o);
  return option;
}

// What ends with `path`, at every command: the words that lead there, each of them in `visit`'s first argument.
using visitor = std::function<void(const std::string& path, const command_words& command)>;
void visit_all(const command_words& command, const std::string& path, const visitor& visit) {
  visit(path, command);
  for (const command_words& below : command.commands)
    visit_all(below, path.empty() ? below.name : path + " " + below.name, visit);
}

std::vector<std::string> names_of(const std::vector<command_words::option>& options) {
  std::vector<std::string> names;
  for (const auto& o : options) names.insert(names.end(), o.names.begin(), o.names.end());
  return names;
}

std::vector<std::string> names_of(const std::vector<command_words>& commands) {
  std::vector<std::string> names;
  for (const auto& c : commands) names.push_back(c.name);
  return names;
}

// `text` between single quotes.
std::string in_quotes(const std::string& text) {
  std::string q = "'";
  for (const char c : text) q += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return q + "'";
}

// What may follow an option, as a case of a shell's `case "$previous"`.
void add_value_cases(std::string& script, const command_words& root, const char* files) {
  std::vector<std::string> with_file, with_any;
  visit_all(root, "", [&](const std::string&, const command_words& command) {
    for (const auto& o : command.options)
      for (const std::string& name : o.names) {
        if (!o.values.empty())
          script += "    " + name + ") COMPREPLY=($(compgen -W '" + joined(o.values) +
                    "' -- \"$current\")); return ;;\n";
        else if (o.takes_value) (o.takes_file ? with_file : with_any).push_back(name);
      }
  });
  const auto alternatives = [](std::vector<std::string> names) {
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : "|") + name;
    return text;
  };
  script += "    " + alternatives(with_file) + ") " + files + "; return ;;\n";
  script += "    " + alternatives(with_any) + ") return ;;\n";
}

}  // namespace

command_words words_of(const CLI::App& app) {
  command_words words{app.get_name(), first_line(app.get_description()), {}, {}, false, {}};
  for (const CLI::Option* o : app.get_options()) {
    if (o->get_positional()) {
      words.takes_files = words.takes_files || o->get_name(true, false) == "FILE";
      const auto values = values_of(*o);
      words.words.insert(words.words.end(), values.begin(), values.end());
    } else if (!o->get_group().empty()) {
      words.options.push_back(option_of(*o));
    }
  }
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    words.commands.push_back(words_of(*command));
  return words;
}

std::string bash_completion(const command_words& root) {
  std::string script = "# bash completion for " + root.name + "; load it with: eval \"$(" + root.name +
                       " completion bash)\"\n_" + root.name +
                       "() {\n"
                       "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} "
                       "chain= words= options= files= i\n"
                       "  COMPREPLY=()\n"
                       "  case $previous in\n";
  add_value_cases(script, root, "COMPREPLY=($(compgen -f -- \"$current\"))");
  script +=
      "  esac\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    case \"$chain/${COMP_WORDS[i]}\" in\n";
  visit_all(root, "", [&](const std::string& path, const command_words& command) {
    for (const command_words& below : command.commands)
      script += "      '" + path + "/" + below.name + "') chain='" + (path.empty() ? "" : path + " ") +
                below.name + "' ;;\n";
  });
  script += "    esac\n  done\n  case $chain in\n";
  const std::string common = joined(names_of(root.options));
  visit_all(root, "", [&](const std::string& path, const command_words& command) {
    std::vector<std::string> plain = names_of(command.commands);
    plain.insert(plain.end(), command.words.begin(), command.words.end());
    script += "    '" + path + "') words='" + joined(plain) + "' options='" +
              joined(names_of(command.options)) + (path.empty() ? "" : " " + common) + "'" +
              (command.takes_files ? " files=1" : "") + " ;;\n";
  });
  script +=
      "  esac\n"
      "  [[ $current == -* ]] && words=$options\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
      "  [[ -n $files && $current != -* ]] && COMPREPLY+=($(compgen -f -- \"$current\"))\n"
      "  return 0\n"
      "}\n"
      "complete -o filenames -F _" +
      root.name + " " + root.name + "\n";
  return script;
}

std::string zsh_completion(const command_words& root) {
  std::string script = "#compdef " + root.name + "\n# zsh completion; load it with: source <(" + root.name +
                       " completion zsh)\n";
  script += "_" + root.name +
            "() {\n  local chain= i\n  for ((i = 2; i < CURRENT; i++)); do\n    case "
            "\"$chain/${words[i]}\" in\n";
  visit_all(root, "", [&](const std::string& path, const command_words& command) {
    for (const command_words& below : command.commands)
      script += "      '" + path + "/" + below.name + "') chain='" + (path.empty() ? "" : path + " ") +
                below.name + "' ;;\n";
  });
  script += "    esac\n  done\n  local -a commands options\n";
  const auto described = [](const std::string& name, const std::string& text) {
    std::string clean = text;
    for (char& c : clean)
      if (c == ':') c = ';';
    return in_quotes(name + ":" + clean) + " ";
  };
  std::string common;
  for (const auto& o : root.options)
    for (const std::string& name : o.names) common += described(name, o.description);
  script += "  case $chain in\n";
  visit_all(root, "", [&](const std::string& path, const command_words& command) {
    script += "    '" + path + "') commands=(";
    for (const command_words& below : command.commands) script += described(below.name, below.summary);
    for (const std::string& word : command.words) script += in_quotes(word) + " ";
    script += ") options=(";
    for (const auto& o : command.options)
      for (const std::string& name : o.names) script += described(name, o.description);
    script += (path.empty() ? "" : common) + ") ;;\n";
  });
  script +=
      "  esac\n"
      "  if [[ ${words[CURRENT]} == -* ]]; then _describe option options; return; fi\n"
      "  (( ${#commands} )) && _describe command commands && return\n"
      "  _files\n"
      "}\n"
      "compdef _" +
      root.name + " " + root.name + "\n";
  return script;
}

std::string fish_completion(const command_words& root) {
  std::string script = "# fish completion; load it with: " + root.name + " completion fish | source\n";
  const std::string all = joined(names_of(root.commands));
  visit_all(root, "", [&](const std::string& path, const command_words& command) {
    const std::string start = "complete -c " + root.name + " -f ";
    std::string here = "__fish_seen_subcommand_from " + path.substr(path.rfind(' ') + 1);
    if (path.empty()) here = "not __fish_seen_subcommand_from " + all;
    for (const command_words& below : command.commands)
      script +=
          start + "-n " + in_quotes(here) + " -a " + below.name + " -d " + in_quotes(below.summary) + "\n";
    if (!command.words.empty())
      script += start + "-n " + in_quotes(here) + " -a " + in_quotes(joined(command.words)) + "\n";
    if (command.takes_files) script += "complete -c " + root.name + " -F -n " + in_quotes(here) + "\n";
    for (const auto& o : command.options) {
      script += "complete -c " + root.name + (path.empty() ? "" : " -n " + in_quotes(here));
      for (const std::string& name : o.names)
        script += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      if (!o.values.empty()) script += " -x -a " + in_quotes(joined(o.values));
      else if (o.takes_file) script += " -r -F";
      else if (o.takes_value) script += " -x";
      script += " -d " + in_quotes(o.description) + "\n";
    }
  });
  return script;
}

}  // namespace postbus::cli
