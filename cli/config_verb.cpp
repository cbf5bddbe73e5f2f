// postbus config: explains, checks and shows configurations.
#include "configuration.hpp"
#include "text.hpp"

#include <postbus/inspect.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <unistd.h>

namespace postbus::cli {
namespace {

namespace json = boost::json;

constexpr manual about{"config",
                       "explains, checks and shows configurations",
                       "With --explain: every setting with its default, its meaning and what the "
                       "configuration says; of the bus and "
                       "of the plugins it uses, or only of PLUGIN.",
                       "postbus config --explain\npostbus config --explain memory\npostbus config check "
                       "fleet.toml\npostbus config show",
                       "",
                       "postbus plugins --explain"};

json::object to_json(const setting_info& s) {
  return {{"path", s.path},         {"wanted", s.wanted},   {"unit", s.unit},   {"default", s.default_value},
          {"required", s.required}, {"meaning", s.meaning}, {"value", s.value}, {"origin", s.origin}};
}

// What it means, and what may be written there.
std::string sentence_of(const setting_info& s) {
  std::string text = s.meaning;
  if (text.ends_with('.')) text.pop_back();
  return text + (s.wanted.empty() ? "" : " (" + s.wanted + ")");
}

void add_setting(std::string& text, const setting_info& s, bool color) {
  const std::string value = !s.origin.empty() ? s.value : s.default_value;
  text += "  " + styled(s.path, style::bold, color) + (value.empty() ? "" : " = " + value);
  text += !s.origin.empty()
              ? "    (" + s.origin + (s.default_value.empty() ? "" : "; default " + s.default_value) + ")"
          : s.required ? "    (required)"
                       : "";
  text += "\n";
  for (const std::string& line : wrap(sentence_of(s), 92)) text += "      " + line + "\n";
}

exit_status explain(const common_options& common, const std::string& plugin) {
  const auto tables = explain_settings(configuration(common), plugin);
  json::array all;
  std::string text;
  const bool color = wants_color(common.color, STDOUT_FILENO);
  for (const settings_table& t : tables) {
    json::array settings;
    text += (text.empty() ? "" : "\n") + styled(t.table, style::bold, color) + "  of " + t.whose + "\n";
    for (const setting_info& s : t.settings) {
      settings.push_back(to_json(s));
      add_setting(text, s, color);
    }
    all.push_back(json::object{{"table", t.table}, {"whose", t.whose}, {"settings", std::move(settings)}});
  }
  if (common.json) print_json(all);
  else print(text);
  return exit_status::ok;
}

constexpr manual about_check{"check",
                             "checks configurations, without starting anything",
                             "Each FILE, or the configuration in use, as far as it can be checked without "
                             "starting: every setting, every "
                             "plugin file, every pattern. --set and the environment apply to each.",
                             "postbus config check fleet.toml",
                             "0  all are good\n1  one is not; standard error says what and where\n",
                             "postbus run"};

exit_status check_all(const common_options& common, std::vector<std::string> files) {
  if (files.empty()) files.push_back(configuration_file(common));
  exit_status status = exit_status::ok;
  for (const std::string& file : files) {
    common_options with = common;
    with.config_file = file;
    try {
      postbus::check(configuration(with));
      if (!common.quiet && !common.json)
        print((file.empty() ? "the default configuration" : file) + ": good\n");
    } catch (const error& e) {
      problem p = problem_of(e);
      if (p.found.find(file) == std::string::npos) p.found += " (in " + file + ")";
      report(p, common.json);
      status = exit_status::failed;
    }
  }
  return status;
}

constexpr manual about_show{"show",
                            "prints the configuration with every default filled in",
                            "As TOML that can be used in its place. References to secrets stay references.",
                            "postbus config show > whole.toml",
                            "",
                            "postbus config --explain"};

}  // namespace

void add_config(CLI::App& app, invocation& i) {
  const auto plugin = std::make_shared<std::string>();
  const auto explained = std::make_shared<bool>(false);
  CLI::App& verb = add_verb(app, i, about, [=](const common_options& common) {
    if (*explained) return explain(common, *plugin);
    throw usage("nothing to do for postbus config", "--explain, check or show",
                "see `postbus config --help`");
  });
  verb.require_subcommand(0, 1);
  verb.add_option_function<std::string>(
          "--explain",
          [=](const std::string& id) {
            *explained = true;
            *plugin = id;
          },
          "Explains the settings; with PLUGIN those of one plugin")
      ->type_name("[PLUGIN]")
      ->expected(0, 1);
  const auto files = std::make_shared<std::vector<std::string>>();
  CLI::App& check = add_verb(verb, i, about_check,
                             [files](const common_options& common) { return check_all(common, *files); });
  check.add_option("FILE", *files, "Configuration files; the one in use without")->type_name("");
  add_verb(verb, i, about_show, [](const common_options& common) {
    print(effective_toml(configuration(common)));
    return exit_status::ok;
  });
}

}  // namespace postbus::cli
