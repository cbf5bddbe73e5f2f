// command_line: the words of the command: its subcommands, the options that all of them share, and how a subcommand is added.
//
// A subcommand is a file of its own: a function add_…() that describes it and, when it was asked for, leaves in the invocation what is
// to be done.
#pragma once

#include "failure.hpp"
#include "output.hpp"

#include <CLI/CLI.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace postbus::cli {

struct common_options {
  std::string config_file;                                    // empty: see configuration.hpp
  std::vector<std::pair<std::string, std::string>> settings;  // --set
  std::string admin;                                          // --admin; empty: that of the configuration
  bool json = false;
  bool quiet = false;
  color_choice color = color_choice::automatic;
};

struct invocation {
  common_options common;
  std::function<exit_status()> action;
};

// What the help of a subcommand says.
struct manual {
  const char* name;
  const char* summary;   // one line
  const char* text;      // what it does, in paragraphs
  const char* examples;  // a line each
  const char* status;    // the exit statuses beyond the usual ones; empty: none
  const char* see_also;
};

// A subcommand of `parent`; `action` runs after everything was read.
CLI::App& add_verb(CLI::App& parent, invocation& i, const manual& m,
                   std::function<exit_status(const common_options&)> action);

// The whole command, `postbus`.
std::unique_ptr<CLI::App> make_command_line(invocation& i);

// What is wrong with the arguments, in our words.
problem problem_of(const CLI::ParseError& e, const CLI::App& app);

// One for each subcommand.
void add_run(CLI::App& app, invocation& i);
void add_pub(CLI::App& app, invocation& i);
void add_sub(CLI::App& app, invocation& i);
void add_tail(CLI::App& app, invocation& i);
void add_topics(CLI::App& app, invocation& i);
void add_inflight(CLI::App& app, invocation& i);
void add_stop(CLI::App& app, invocation& i);
void add_health(CLI::App& app, invocation& i);
void add_metrics(CLI::App& app, invocation& i);
void add_request(CLI::App& app, invocation& i);
void add_dead(CLI::App& app, invocation& i);
void add_dedup(CLI::App& app, invocation& i);
void add_steer(CLI::App& app, invocation& i);
void add_brake(CLI::App& app, invocation& i);
void add_call(CLI::App& app, invocation& i);
void add_log(CLI::App& app, invocation& i);
void add_plugins(CLI::App& app, invocation& i);
void add_config(CLI::App& app, invocation& i);
void add_check(CLI::App& app, invocation& i);
void add_new(CLI::App& app, invocation& i);
void add_completion(CLI::App& app, invocation& i);

}  // namespace postbus::cli
