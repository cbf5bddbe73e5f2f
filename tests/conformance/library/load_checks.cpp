// What loading does beside making the module available: nothing. Constructors of static objects run then, in somebody else's process.
#include "process_state.hpp"
#include "tables.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <stdexcept>

namespace postbus::conformance {
namespace {

void load(const library_under_test& l) {
  if (::dlopen(l.file.c_str(), RTLD_NOW | RTLD_LOCAL) == nullptr) throw std::runtime_error(::dlerror());
}

void expect_same(const std::string& before, const std::string& after, const char* what, findings& f) {
  f.expect(before == after, std::string("expected that loading leaves the ") + what +
                                " alone; before: " + before + ", after: " + after);
}

using named = std::map<std::string, std::string>;
void expect_same(const named& before, const named& after, const char* what, findings& f) {
  const std::string lead = std::string("expected that loading leaves the ") + what + " alone; ";
  for (const auto& [name, value] : after) {
    const auto found = before.find(name);
    if (found == before.end()) f.add(lead + "new: " + name + " (" + value + ")");
    else if (found->second != value)
      f.add(lead + "changed: " + name + ", from (" + found->second + ") to (" + value + ")");
  }
  for (const auto& [name, value] : before)
    if (!after.contains(name)) f.add(lead + "gone: " + name + " (" + value + ")");
}

template <auto Look>
void leaves_alone(const library_under_test& l, const char* what, findings& f) {
  const auto before = Look();
  load(l);
  expect_same(before, Look(), what, f);
}

void threads(const library_under_test& l, findings& f) {
  leaves_alone<threads_now>(l, "number of threads", f);
}
void files(const library_under_test& l, findings& f) { leaves_alone<open_files_now>(l, "open files", f); }
void signals(const library_under_test& l, findings& f) { leaves_alone<signals_now>(l, "signals", f); }
void locale(const library_under_test& l, findings& f) { leaves_alone<locale_now>(l, "locale", f); }
void folder(const library_under_test& l, findings& f) { leaves_alone<folder_now>(l, "working directory", f); }
void environment(const library_under_test& l, findings& f) {
  leaves_alone<environment_now>(l, "environment", f);
}

// The best of a few, each in a process that has not loaded it yet: a machine that is busy with other things is not the library's fault.
void time(const library_under_test& l, findings& f) {
  using namespace std::chrono;
  constexpr auto most = 100ms;
  constexpr int tries = 5;
  nanoseconds best = nanoseconds::max();
  for (int i = 0; i < tries && best > most; ++i) {
    const result one = run_in_child(
        [&] {
          const auto begin = steady_clock::now();
          load(l);
          return result{verdict::passed, {std::to_string((steady_clock::now() - begin).count())}, {}};
        },
        seconds(10));
    if (one.verdict == verdict::failed) throw std::runtime_error(one.reasons.front());
    best = std::min(best, nanoseconds(std::stoll(one.reasons.front())));
  }
  f.expect(best <= most, "expected that it is loaded within 100 ms; it took " +
                             std::to_string(duration_cast<milliseconds>(best).count()) +
                             " ms: constructors of static objects should do next to nothing");
}

constexpr library_check table[] = {
    {"load-time", "it is loaded within 100 ms", time, on_failure::go_on, std::chrono::seconds(60)},
    {"load-threads", "loading it starts no thread", threads},
    {"load-files", "loading it opens and closes no file", files},
    {"load-signals", "loading it changes no signal's handler and blocks none", signals},
    {"load-locale", "loading it leaves the locale alone", locale},
    {"load-folder", "loading it leaves the working directory alone", folder},
    {"load-environment", "loading it leaves the environment alone", environment},
};

}  // namespace

std::span<const library_check> load_checks() { return table; }

}  // namespace postbus::conformance
