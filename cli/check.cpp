// postbus check: whether a library of plugins keeps what plugin.h asks of it.
#include "check_report.hpp"
#include "configuration.hpp"

#include <postbus/conformance/library.hpp>
#include <postbus/conformance/suite.hpp>

#include <algorithm>

namespace postbus::cli {
namespace {

using namespace conformance;

constexpr manual about{
    "check",
    "checks a library of plugins, and plays the conformance suite on its transports",
    "First the library itself: how it is linked, what it says about itself, what loading it does. Then, over "
    "a bus with each of its transports, the rows of the suite: what every transport must do. A row is "
    "skipped "
    "only because the transport declares that it has not what the row needs. Each check and each row runs in "
    "a "
    "process of its own, so that a crash is a failure like any other.\n"
    "Rows that look at a feature (19 dedup, 29 steering, 30 brake) are played where the configuration names "
    "the feature in bus.features.\n"
    "The settings of the plugins are those of --config, where it is given, and of --set; no other file is "
    "read.",
    "postbus check ./libmine.so\npostbus check ./libmine.so --config mine.toml --junit result.xml\n"
    "postbus check ./libmine.so --only 7 --only exports",
    "1  something failed",
    "postbus new, postbus plugins"};

constexpr std::chrono::seconds row_max{180};

struct check_options {
  std::string library, junit;
  std::vector<std::string> only;
};

std::filesystem::path file_of(const std::string& name) {
  std::error_code ec;
  const std::filesystem::path file = std::filesystem::absolute(name, ec);
  if (ec || !std::filesystem::exists(file, ec))
    throw usage(name + ", which is not there", "the file of a library of plugins",
                "build it, or correct the path");
  return file;
}

config base_of(const common_options& common) {
  config c = common.config_file.empty() ? bare_config() : config::from_file(common.config_file);
  for (const auto& [path, value] : common.settings) c.set(path, value);
  return c;
}

class selection {
 public:
  explicit selection(const std::vector<std::string>& only) : only_(only) {
    for (const std::string& name : only)
      if (!is_known(name))
        throw usage("--only " + name, "the number of a row, or the name of a check of the library",
                    "see those that `postbus check` prints");
  }
  bool has(const std::string& name) const {
    return only_.empty() || std::find(only_.begin(), only_.end(), name) != only_.end();
  }

 private:
  static bool is_known(const std::string& name) {
    const auto checks = library_checks();
    const auto all = rows();
    return std::any_of(checks.begin(), checks.end(),
                       [&](const library_check& c) { return c.name == name; }) ||
           std::any_of(all.begin(), all.end(),
                       [&](const row& r) { return std::to_string(r.number) == name; });
  }
  const std::vector<std::string>& only_;
};

// False when there is no use in going on. What others rest on is looked at also when it was not asked for.
bool check_library(const library_under_test& library, const selection& wanted, check_report& report) {
  for (const library_check& c : library_checks()) {
    const bool is_wanted = wanted.has(c.name), stops = c.then == on_failure::stop;
    if (!is_wanted && !stops) continue;
    const result got = run_in_child([&] { return run(c, library); }, c.deadline);
    const bool failed = got.verdict == verdict::failed;
    if (is_wanted || failed) report.add({"library", c.name, c.title, got});
    if (failed && stops) return false;
  }
  return true;
}

void check_transport(const library_under_test& library, const plugin_info& plugin, const selection& wanted,
                     check_report& report) {
  std::vector<row> played;
  for (const row& r : rows())
    if (wanted.has(std::to_string(r.number))) played.push_back(r);
  if (played.empty()) return;
  const auto made = [&] { return suite(config_with(library, plugin)).can_be_made(); };
  if (const result bus = run_in_child(made, row_max); bus.verdict == verdict::failed)
    return report.add({plugin.id, "bus", "a bus can be made on it", bus});
  const suite over(config_with(library, plugin));
  std::vector<result> results;
  for (const row& r : played) {
    results.push_back(run_in_child([&] { return over.run(r); }, row_max));
    report.add({plugin.id, std::to_string(r.number), r.title, results.back()});
  }
  report.add_capabilities(plugin.id, verdicts_of(over, played, results));
}

exit_status run_checks(const common_options& common, const check_options& options) {
  const library_under_test library{file_of(options.library), base_of(common)};
  const selection wanted(options.only);
  check_report report(library.file.string(), common);
  std::vector<plugin_info> plugins;
  try {
    if (check_library(library, wanted, report)) plugins = plugins_in(library);
  } catch (const error&) {  // the check of the note or of the manifest has said so
  }
  for (const plugin_info& p : plugins)
    if (is_transport(p)) check_transport(library, p, wanted, report);
  report.finish();
  if (!options.junit.empty()) report.write_junit(options.junit);
  return report.failed() == 0 ? exit_status::ok : exit_status::failed;
}

}  // namespace

void add_check(CLI::App& app, invocation& i) {
  const auto options = std::make_shared<check_options>();
  CLI::App& verb = add_verb(app, i, about,
                            [options](const common_options& common) { return run_checks(common, *options); });
  verb.add_option("PLUGIN.so", options->library, "The library")->required()->type_name("FILE");
  verb.add_option("--only", options->only,
                  "Only rows of this number, or the check of this name; may be repeated")
      ->type_name("ROW")
      ->allow_extra_args(false);
  verb.add_option("--junit", options->junit, "Writes the result there too, as JUnit's XML")
      ->type_name("FILE");
}

}  // namespace postbus::cli
