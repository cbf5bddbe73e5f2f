// postbus plugins: what is on the path, and what becomes of each capability.
#include "configuration.hpp"

#include <postbus/inspect.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <unistd.h>

namespace postbus::cli {
namespace {

namespace json = boost::json;

constexpr manual about{"plugins",
                       "lists the plugins on the path, or what the configuration's transports can do",
                       "Plugins are looked for in $POSTBUS_PLUGIN_PATH, bus.plugin_path, beside the program, "
                       "and where postbus was installed. None of their code "
                       "runs. A library that cannot be used is listed with the reason.\n"
                       "With --explain: for each transport of the configuration whether a capability is its "
                       "own (native), supplied by the bus (core), or "
                       "refused when it is asked for.",
                       "postbus plugins\npostbus plugins --explain --config fleet.toml",
                       "",
                       "postbus config --explain"};

json::array to_json(const std::vector<std::string>& texts) { return json::array(texts.begin(), texts.end()); }

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : ", ") + text;
  return all.empty() ? "-" : all;
}

void list(const common_options& common, const config& c) {
  table t({"", "ID", "VERSION", "PROVIDES", "FILE", "SUMMARY"});
  json::array all;
  std::string problems;
  for (const plugin_info& p : list_plugins(c)) {
    all.push_back(json::object{{"id", p.id},
                               {"version", p.version},
                               {"summary", p.summary},
                               {"file", p.file},
                               {"used", p.used},
                               {"shared", p.shared},
                               {"wraps", p.wraps},
                               {"problem", p.problem},
                               {"provides", to_json(p.provides)},
                               {"needs", to_json(p.needs)},
                               {"methods", to_json(p.methods)},
                               {"capabilities", to_json(p.capabilities)}});
    if (!p.problem.empty()) problems += p.file + ": " + p.problem + "\n";
    if (!p.id.empty())
      t.add({p.used ? "*" : "", table::cell(p.id, p.problem.empty() ? style::plain : style::red), p.version,
             joined(p.provides) + (p.wraps.empty() ? "" : " (wraps a " + p.wraps + ")"), p.file, p.summary});
  }
  if (common.json) return print_json(all);
  print(t.text(wants_color(common.color, STDOUT_FILENO)) + (problems.empty() ? "" : "\n" + problems));
}

void explain(const common_options& common, const config& c) {
  constexpr const char* words[] = {"native", "core", "refused"};
  constexpr style looks[] = {style::green, style::plain, style::yellow};
  table t({"TRANSPORT", "PLUGIN", "CAPABILITY", "", "REMARK"});
  json::array all;
  for (const capability_info& one : explain_capabilities(c)) {
    const auto how = static_cast<std::size_t>(one.supplied);
    all.push_back(json::object{{"transport", one.transport},
                               {"plugin", one.plugin},
                               {"capability", one.capability},
                               {"supplied", words[how]},
                               {"remark", one.remark}});
    t.add({one.transport, one.plugin, one.capability, table::cell(words[how], looks[how]), one.remark});
  }
  if (common.json) return print_json(all);
  print(t.text(wants_color(common.color, STDOUT_FILENO)));
}

}  // namespace

void add_plugins(CLI::App& app, invocation& i) {
  const auto explained = std::make_shared<bool>(false);
  CLI::App& verb = add_verb(app, i, about, [explained](const common_options& common) {
    const config c = configuration(common);
    if (*explained) explain(common, c);
    else list(common, c);
    return exit_status::ok;
  });
  verb.add_flag("--explain", *explained, "What becomes of each capability on the configuration's transports");
}

}  // namespace postbus::cli
