// library: what a library of plugins must be like whatever its plugins do, each as a check of its own.
//
//   const library_under_test l{"./libmine.so", config()};
//   for (const library_check& c : library_checks()) show(c, run_in_child([&] { return run(c, l); }, c.deadline));
//
// A check that loads the library or runs it belongs into a process of its own: it may crash, hang, or leave something behind.
#pragma once

#include <postbus/config.hpp>
#include <postbus/conformance/row.hpp>
#include <postbus/inspect.hpp>

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace postbus::conformance {

struct library_under_test {
  std::filesystem::path file;  // absolute
  config base;                 // settings of its plugins, where the defaults will not do
  std::chrono::nanoseconds patience = std::chrono::seconds(10);  // how long a check waits for an answer
};

// A base for those who have no configuration: with a transport that cannot be created, so that a feature can be looked at where no other
// plugin is installed.
config bare_config();

// What a check finds wrong, a sentence each.
class findings {
 public:
  void expect(bool holds, std::string_view sentence) {
    if (!holds) add(sentence);
  }
  void add(std::string_view sentence);
  const std::vector<std::string>& sentences() const noexcept { return sentences_; }

 private:
  std::vector<std::string> sentences_;
};

// Thrown by a check that does not apply to the library.
struct check_skipped {
  std::string why;
};

enum class on_failure {
  go_on,
  stop  // the checks behind it would only say the same
};

struct library_check {
  const char* name;   // "relro"
  const char* title;  // a sentence that is true or false
  void (*run)(const library_under_test&, findings&);
  on_failure then = on_failure::go_on;
  std::chrono::seconds deadline{30};
};

// All of them: first those that only read the file, then those that load it, then those that run its plugins.
std::span<const library_check> library_checks();

// In this process. What the check throws is a failure.
result run(const library_check& check, const library_under_test& library);

// Calls f in a child process and returns what it returned; failed, when the child crashed or did not end before the deadline. Standard
// output of the child is standard error. The calling process has one thread.
result run_in_child(const std::function<result()>& f, std::chrono::nanoseconds deadline);

// The plugins of the library, and of one that is no wrapper a configuration that uses one of them in its role.
std::vector<plugin_info> plugins_in(const library_under_test& library);
config config_with(const library_under_test& library, const plugin_info& plugin);
bool is_transport(const plugin_info& plugin);

}  // namespace postbus::conformance
