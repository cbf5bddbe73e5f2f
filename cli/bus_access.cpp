#include "bus_access.hpp"

#include "configuration.hpp"

#include <postbus/inspect.hpp>

namespace postbus::cli {
namespace {

// What was tried in order to find a running bus.
struct attempt {
  std::unique_ptr<admin_client> client;
  std::string path, why_not;
};

attempt find_running_bus(const common_options& options) {
  attempt a;
  a.path = admin_path(options);
  if (!a.path.empty()) a.client = admin_client::connect(a.path, a.why_not);
  return a;
}

failure no_bus(const common_options& options, const attempt& a) {
  const std::string name = name_of_configuration(options);
  const std::string file = configuration_file(options);
  const std::string start = "`postbus run" + (file.empty() ? "" : " --config " + file) + "`";
  if (a.path.empty())
    return failed("no bus.admin in " + name, "a running bus that answers on its admin socket",
                  "give it admin = \"unix:./fleet.sock\" and start " + start +
                      ", or say where its socket is with --admin PATH");
  return failed("nobody who answers on " + a.path + " (" + a.why_not + ")",
                "a running bus that answers on its admin socket",
                "start " + (options.admin.empty() ? start : "one with `postbus run --admin " + a.path + "`") +
                    ", or say where its socket is with --admin PATH");
}

}  // namespace

std::unique_ptr<admin_client> require_running_bus(const common_options& options) {
  attempt a = find_running_bus(options);
  if (!a.client) throw no_bus(options, a);
  return std::move(a.client);
}

std::unique_ptr<bus_access> access_bus(const common_options& options, std::string_view pattern) {
  attempt a = find_running_bus(options);
  if (a.client) return running_bus(std::move(a.client));
  // Who names a socket means the bus behind it, and no other.
  if (!options.admin.empty()) throw no_bus(options, a);

  config c = configuration(options);
  std::string transports;
  for (const plugin_info& p : transports_of(c, pattern)) {
    if (!p.shared)
      throw failed(
          "the " + p.id + " transport, which lives inside a process" +
              (a.path.empty() ? "" : ", and nobody who answers on " + a.path + " (" + a.why_not + ")"),
          "a running bus that answers on its admin socket",
          "give it admin = \"unix:./fleet.sock\" and start `postbus run`, or use a transport that is shared "
          "between processes");
    transports += (transports.empty() ? "" : ", ") + p.id;
  }
  c.set("bus.admin", "");
  return own_bus(c, transports);
}

}  // namespace postbus::cli
