// What comes back from a child process, however it ends.
#include "support/catch.hpp"

#include <postbus/conformance/library.hpp>

#include <signal.h>
#include <unistd.h>

#include <stdexcept>

using namespace postbus::conformance;
using namespace std::chrono_literals;

namespace {

std::string only_reason(const result& r) { return r.reasons.size() == 1 ? r.reasons.front() : ""; }

}  // namespace

TEST_CASE("a result comes back from a child process as it was", "[conformance]") {
  const result r = run_in_child([] { return result{verdict::skipped, {"one", "", "two\nlines"}, {}}; }, 10s);
  CHECK(r.verdict == verdict::skipped);
  CHECK(r.reasons == std::vector<std::string>{"one", "", "two\nlines"});
}

TEST_CASE("a child process that crashes, ends early, throws or hangs is a failure that says so",
          "[conformance]") {
  const result killed = run_in_child(
      []() -> result {
        ::raise(SIGKILL);
        return {};
      },
      10s);
  CHECK(killed.verdict == verdict::failed);
  CHECK(only_reason(killed) == "expected that it runs to its end; it was ended by the signal Killed");
  const result left = run_in_child([]() -> result { ::_exit(7); }, 10s);
  CHECK(left.verdict == verdict::failed);
  CHECK(only_reason(left) == "expected that it runs to its end; it ended with the status 7");
  const result thrown = run_in_child([]() -> result { throw std::runtime_error("oh"); }, 10s);
  CHECK(thrown.verdict == verdict::failed);
  CHECK(only_reason(thrown) == "oh");
  const result hung = run_in_child(
      []() -> result {
        for (;;) ::pause();
      },
      1ms);
  CHECK(hung.verdict == verdict::failed);
  CHECK(only_reason(hung).find("expected an end within") == 0);
}
