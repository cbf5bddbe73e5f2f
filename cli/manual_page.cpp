#include "manual_page.hpp"

#include "text.hpp"

namespace postbus::cli {
namespace {

constexpr std::size_t page_width = 100, indent = 2, column = 26;

void add_wrapped(std::string& page, std::string_view text, std::size_t margin) {
  for (const std::string& line : wrap(text, page_width - margin)) {
    if (!line.empty()) page.append(margin, ' ').append(line);
    page += '\n';
  }
}

// A term, and what it means, in a column beside it or, when the term is long, below it.
void add_entry(std::string& page, const std::string& term, std::string_view meaning) {
  page.append(indent, ' ').append(term);
  const std::size_t used = indent + characters(term);
  std::string rest;
  add_wrapped(rest, meaning, column);
  if (used + 2 > column) page.append("\n").append(rest);
  else page.append(column - used, ' ').append(rest.substr(column));
}

std::string term_of(const CLI::Option& option) {
  const bool positional = option.get_positional();
  std::string term = option.get_name(positional, !positional);
  if (const std::size_t comma = term.find(','); comma != std::string::npos) term.insert(comma + 1, " ");
  if (!positional && option.get_type_size() != 0) term += " " + option.get_type_name();
  return term;
}

std::string meaning_of(const CLI::Option& option) {
  std::string meaning = option.get_description();
  if (!option.get_default_str().empty()) meaning += " (" + option.get_default_str() + ")";
  return meaning;
}

void add_options(std::string& page, const CLI::App& app, bool positional, const char* title) {
  std::string entries;
  for (const CLI::Option* option : app.get_options())
    if (option->get_positional() == positional && !option->get_group().empty())
      add_entry(entries, term_of(*option), meaning_of(*option));
  if (!entries.empty()) page.append("\n").append(title).append(":\n").append(entries);
}

std::string full_name(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name() : full_name(*app.get_parent()) + " " + app.get_name();
}

std::string usage_of(const CLI::App& app) {
  std::string text = full_name(app) + " [OPTION]...";
  for (const CLI::Option* option : app.get_options())
    if (option->get_positional() && !option->get_group().empty()) {
      const bool many = option->get_expected_max() > 1;
      std::string word = option->get_name(true, false) + (many ? "..." : "");
      text += option->get_required() ? " " + word : " [" + word + "]";
    }
  if (!app.get_subcommands([](const CLI::App*) { return true; }).empty())
    text += app.get_require_subcommand_min() > 0 ? " COMMAND ..." : " [COMMAND ...]";
  return text;
}

}  // namespace

std::string manual_page::make_help(const CLI::App* app, std::string, CLI::AppFormatMode) const {
  const std::string description = app->get_description();
  const std::size_t end = std::min(description.find('\n'), description.size());
  std::string page =
      full_name(*app) + " - " + description.substr(0, end) + "\n\nUsage: " + usage_of(*app) + "\n";
  if (end < description.size()) {
    page += '\n';
    add_wrapped(page, description.substr(end + 1), indent);
  }
  add_options(page, *app, true, "Arguments");
  const auto commands = app->get_subcommands([](const CLI::App*) { return true; });
  if (!commands.empty()) page += "\nCommands:\n";
  for (const CLI::App* command : commands) {
    const std::string text = command->get_description();
    add_entry(page, command->get_name(), text.substr(0, text.find('\n')));
  }
  add_options(page, *app, false, "Options");
  const CLI::App* root = app;
  while (root->get_parent() != nullptr) root = root->get_parent();
  if (root != app) {
    std::string common;
    for (const CLI::Option* option : root->get_options())
      if (!option->get_positional() && option != root->get_help_ptr())
        add_entry(common, term_of(*option), meaning_of(*option));
    page.append("\nCommon options:\n").append(common);
  }
  return page + app->get_footer();
}

}  // namespace postbus::cli
