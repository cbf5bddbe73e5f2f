// postbus run: hosts a bus until it is told to stop.
#include "close_summary.hpp"
#include "configuration.hpp"
#include "service_notice.hpp"
#include "signals.hpp"
#include "units.hpp"

#include <postbus/bus.hpp>
#include <postbus/inspect.hpp>

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <thread>

namespace postbus::cli {
namespace {

constexpr manual about{
    "run",
    "hosts a bus until SIGINT or SIGTERM",
    "Makes the bus of the configuration, says on standard error what it is made of, and serves its admin "
    "socket. At the "
    "first signal it stops taking events, waits for what is under way up to --deadline, gives the rest back, "
    "and prints "
    "what became of everything. A second signal ends the waiting.\n"
    "Under systemd (Type=notify) it says when it is ready and when it stops; examples/systemd has a unit.",
    "postbus run --config fleet.toml\n"
    "postbus run --set bus.name=fleet --admin ./fleet.sock --deadline 10s",
    "0  closed cleanly\n1  it could not start, or something was abandoned at the deadline\n",
    "postbus config check, postbus health, postbus plugins --explain"};

struct run_options {
  std::string deadline = "30s", grace = "5s", ready_file;
};

void note(const common_options& common, const std::string& line) {
  if (!common.quiet) std::cerr << line << '\n';
}

// "native: groups, ack; core: retry; refused: replay"
std::string capabilities_of(const std::vector<capability_info>& all, const std::string& transport) {
  std::string text;
  using how = capability_info::how;
  for (const auto& [kind, name] :
       {std::pair{how::native, "native"}, {how::core, "core"}, {how::refused, "refused"}}) {
    std::string list;
    for (const capability_info& c : all)
      if (c.transport == transport && c.supplied == kind) list += (list.empty() ? "" : ", ") + c.capability;
    if (!list.empty()) text.append(text.empty() ? "" : "; ").append(name).append(": ").append(list);
  }
  return text;
}

void announce(const common_options& common, const config& c) {
  if (common.quiet) return;
  note(common, "postbus " POSTBUS_VERSION ": bus '" + setting(c, "bus.name") + "', " +
                   setting(c, "bus.threads") + " threads, pid " + std::to_string(::getpid()) + ", from " +
                   name_of_configuration(common));
  const auto capabilities = explain_capabilities(c);
  std::string last;
  for (const capability_info& one : capabilities) {
    if (one.transport == last) continue;
    last = one.transport;
    note(common,
         "transport " + one.transport + " (" + one.plugin + "): " + capabilities_of(capabilities, last));
  }
  for (const plugin_info& p : list_plugins(c)) {
    const auto provides = [&p](std::string_view what) {
      return std::any_of(p.provides.begin(), p.provides.end(),
                         [&](const auto& id) { return id.starts_with(what); });
    };
    if (p.used && (!p.wraps.empty() || !provides("postbus.transport/")))
      note(common, (!p.wraps.empty()             ? "wrapper of a " + p.wraps + " "
                    : provides("postbus.store/") ? "store "
                                                 : "feature ") +
                       p.id + " " + p.version + ": " + p.summary);
  }
  const std::string admin = setting(c, "bus.admin");
  note(common, admin.empty() ? "admin: none (bus.admin is not set)" : "admin " + admin);
}

// Closes the bus. A signal meanwhile ends the waiting: what is still under way is abandoned, as it is when the deadline passes, and a
// transport that others share gives it to them.
close_report close(bus& b, signals& s, const common_options& common, const run_options& options) {
  const auto deadline = duration_from(options.deadline), grace = duration_from(options.grace);
  close_report report;
  wake_up over;
  std::thread closer([&] {
    report = b.close(deadline, grace);
    over.set();
  });
  if (wait_for(over.fd(), s, {}) == woken::signalled) {
    note(common, "postbus: a second signal: not waiting for " + std::to_string(b.in_flight().size()) +
                     " deliveries in flight");
    b.close(std::chrono::nanoseconds(0), std::chrono::nanoseconds(0));
  }
  closer.join();
  return report;
}

exit_status run(const common_options& common, const run_options& options) {
  for (const std::string& duration : {options.deadline, options.grace})
    (void)duration_from(duration);  // what is wrong is said before anything starts
  signals s;
  config c = configuration(common);
  if (!common.admin.empty())
    c.admin(common.admin.starts_with("unix:") ? common.admin : "unix:" + common.admin);
  bus b(c);
  announce(common, c);
  const ready_file ready(options.ready_file);
  notify_service_manager("READY=1");
  note(common, "ready");

  wait_for(-1, s, {});
  notify_service_manager("STOPPING=1");
  note(common,
       "postbus: stopping; what is under way has " + options.deadline + ", a second signal ends the waiting");
  const close_report report = close(b, s, common, options);
  if (common.json) print_json(to_json(report));
  else print(show(report, wants_color(common.color, STDOUT_FILENO)));
  return report.clean && report.total().abandoned == 0 ? exit_status::ok : exit_status::failed;
}

}  // namespace

void add_run(CLI::App& app, invocation& i) {
  const auto options = std::make_shared<run_options>();
  CLI::App& verb =
      add_verb(app, i, about, [options](const common_options& common) { return run(common, *options); });
  verb.add_option("--deadline", options->deadline, "How long to wait at the end for what is under way")
      ->type_name("DURATION")
      ->capture_default_str();
  verb.add_option("--grace", options->grace, "How long after that for what was asked to stop")
      ->type_name("DURATION")
      ->capture_default_str();
  verb.add_option("--ready-file", options->ready_file,
                  "Writes the process id there when the bus is ready; removed at the end")
      ->type_name("FILE");
}

}  // namespace postbus::cli
