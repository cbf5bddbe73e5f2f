// postbus: the command. Reads its arguments, does what they ask, and ends with 0, 1 (it could not be done) or 2 (they are wrong).
#include "command_line.hpp"

#include <csignal>
#include <exception>

namespace {

using namespace postbus::cli;

exit_status run(CLI::App& app, invocation& i, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return i.action();
  } catch (const CLI::Success& e) {  // --help and --version
    std::ostringstream text, nothing;
    app.exit(e, text, nothing);
    print(text.str());
    return exit_status::ok;
  } catch (const CLI::ParseError& e) {
    report(problem_of(e, app), i.common.json);
    return exit_status::usage;
  }
}

}  // namespace

int main(int argc, char** argv) {
  // Whoever reads our output may have seen enough: write() then says so.
  std::signal(SIGPIPE, SIG_IGN);
  invocation i;
  exit_status status = exit_status::failed;
  try {
    const auto app = make_command_line(i);
    status = run(*app, i, argc, argv);
  } catch (const broken_pipe&) {
    status = exit_status::ok;
  } catch (const failure& f) {
    report(f.what_happened(), i.common.json);
    status = f.status();
  } catch (const postbus::error& e) {
    report(problem_of(e), i.common.json);
  } catch (const std::exception& e) {
    report({"failed", e.what(), "", ""}, i.common.json);
  }
  return static_cast<int>(status);
}
