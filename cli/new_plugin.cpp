// postbus new plugin: a project to start from.
#include "command_line.hpp"
#include "templates.hpp"

#include <postbus/sdk/names.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace postbus::cli {
namespace {

namespace fs = std::filesystem;

constexpr manual about_new{
    "new", "makes a project to start from", "", "postbus new plugin size-limit", "", "postbus check"};
constexpr manual about_plugin{
    "plugin",
    "writes a plugin's project: its source, its manifest, a test and a CMakeLists.txt",
    "What it writes works: it can be built, tested and checked at once, and then be changed into what is "
    "wanted. Nothing that is there is overwritten.",
    "postbus new plugin size-limit\npostbus new plugin my-wire --kind transport --lang c --into "
    "plugins/my-wire",
    "",
    "postbus check"};

struct new_options {
  std::string name, kind = "feature", lang = "c++", into;
};

// An id of a manifest, which is a CMake target and part of an identifier too.
void check_name(const std::string& name) {
  const bool fits = !name.empty() && name.size() <= 64 && name[0] >= 'a' && name[0] <= 'z' &&
                    std::all_of(name.begin(), name.end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
                    });
  if (!fits)
    throw usage("the name '" + name + "'", "a lower-case letter, then letters, digits and dashes, 64 at most",
                "call it something like size-limit");
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

std::string underscored(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

void write(const fs::path& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary);
  out << text;
  out.close();
  if (!out)
    throw failed(file.string() + ", which cannot be written", "a folder to write into", "check the path");
}

exit_status make(const common_options& common, const new_options& options) {
  check_name(options.name);
  const fs::path folder = options.into.empty() ? options.name : options.into;
  std::vector<const project_template*> files;
  for (const project_template& t : project_templates())
    if (t.project == options.kind + "-" + options.lang) files.push_back(&t);
  std::error_code ec;
  for (const project_template* t : files)
    if (fs::exists(folder / t->file, ec))
      throw failed((folder / t->file).string() + ", which is there already", "a folder without it",
                   "give another one with --into DIR");
  fs::create_directories(folder, ec);
  if (ec) throw failed(folder.string() + ": " + ec.message(), "a folder to write into", "check the path");
  const std::string placeholder = "my-" + options.kind;
  for (const project_template* t : files) {
    std::string text = replaced(std::string(t->text), placeholder, options.name);
    write(folder / t->file, replaced(std::move(text), underscored(placeholder), underscored(options.name)));
  }
  if (common.quiet) return exit_status::ok;
  std::string said = folder.string() + ": " + options.kind + " '" + options.name + "'";
  for (const project_template* t : files) said += (t == files.front() ? ": " : ", ") + std::string(t->file);
  said += "\nNext:\n  cmake -S " + folder.string() + " -B " + (folder / "build").string() +
          "\n  cmake --build " + (folder / "build").string() + "\n  ctest --test-dir " +
          (folder / "build").string() + "\n  postbus check " +
          (folder / "build" / "plugins" / (options.name + ".so")).string() + "\n";
  print(said);
  return exit_status::ok;
}

}  // namespace

void add_new(CLI::App& app, invocation& i) {
  CLI::App& verb = add_verb(app, i, about_new, [](const common_options&) -> exit_status {
    throw usage("nothing to do for postbus new", "plugin", "see `postbus new --help`");
  });
  verb.require_subcommand(0, 1);
  const auto options = std::make_shared<new_options>();
  CLI::App& plugin = add_verb(verb, i, about_plugin,
                              [options](const common_options& common) { return make(common, *options); });
  plugin.add_option("NAME", options->name, "Its id, such as size-limit")->required()->type_name("");
  plugin.add_option("--kind", options->kind, "What it is")
      ->check(CLI::IsMember({"feature", "transport"}).description(""))
      ->type_name("feature|transport")
      ->capture_default_str();
  plugin.add_option("--lang", options->lang, "The language it is written in")
      ->check(CLI::IsMember({"c++", "c"}).description(""))
      ->type_name("c++|c")
      ->capture_default_str();
  plugin.add_option("--into", options->into, "The folder to write into; without it, NAME")->type_name("DIR");
}

}  // namespace postbus::cli
