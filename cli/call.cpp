// postbus call and postbus log: a plugin's method, and what the running bus logs.
#include "bus_access.hpp"
#include "json_fields.hpp"
#include "units.hpp"

#include <boost/json/parse.hpp>

namespace postbus::cli {
namespace {

namespace json = boost::json;

constexpr manual about{"call",
                       "calls a method of the running bus or of one of its plugins",
                       "Prints the answer as JSON. A method of a plugin is PLUGIN.METHOD; `postbus call "
                       "methods` lists them all.",
                       "postbus call methods\npostbus call brake.pause '{\"key\":\"42\"}'",
                       "",
                       "postbus plugins"};

struct call_options {
  std::string method, arguments = "{}", timeout = "30s";
};

exit_status call(const common_options& common, const call_options& o) {
  boost::system::error_code ec;
  json::value arguments = json::parse(o.arguments, ec);
  if (ec || !arguments.is_object())
    throw usage("the arguments " + o.arguments + (ec ? " (" + ec.message() + ")" : ""), "a JSON object",
                "write it in single quotes, as in '{\"user_id\":\"42\"}'");
  const auto timeout = duration_from(o.timeout);
  print_json(require_running_bus(common)->call(o.method, std::move(arguments.get_object()), timeout));
  return exit_status::ok;
}

constexpr manual about_log{
    "log",
    "changes what the running bus logs",
    "From now on, until it ends: the configuration stays as it is. For good, set log.level there.",
    "postbus log debug\npostbus log trace memory\npostbus log info admin",
    "",
    "postbus config --explain"};

struct log_options {
  std::string level, module;
};

exit_status log(const common_options& common, const log_options& o) {
  json::object arguments{{"level", o.level}};
  if (!o.module.empty()) arguments["module"] = o.module;
  const json::value answer = require_running_bus(common)->call("log", std::move(arguments));
  if (common.json) print_json(answer);
  return exit_status::ok;
}

}  // namespace

void add_call(CLI::App& app, invocation& i) {
  const auto o = std::make_shared<call_options>();
  CLI::App& verb = add_verb(app, i, about, [o](const common_options& common) { return call(common, *o); });
  verb.add_option("METHOD", o->method, "PLUGIN.METHOD, or a method of the admin protocol")
      ->type_name("")
      ->required();
  verb.add_option("JSON", o->arguments, "Its arguments, an object")->type_name("")->capture_default_str();
  verb.add_option("-t,--timeout", o->timeout, "How long to wait for the answer")
      ->type_name("DURATION")
      ->capture_default_str();
}

void add_log(CLI::App& app, invocation& i) {
  const auto o = std::make_shared<log_options>();
  CLI::App& verb = add_verb(app, i, about_log, [o](const common_options& common) { return log(common, *o); });
  verb.add_option("LEVEL", o->level, "trace, debug, info, warn, error or off")
      ->type_name("trace|debug|info|warn|error|off")
      ->required()
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}).description(""));
  verb.add_option("MODULE", o->module, "bus, admin, or the id of a plugin; all without it")->type_name("");
}

}  // namespace postbus::cli
