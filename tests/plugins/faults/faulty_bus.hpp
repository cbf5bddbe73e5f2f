// A bus over memory and faults, on the virtual clock.
#pragma once

#include "support/bus.hpp"
#include "support/catch.hpp"

#include <postbus/testing/manual_clock.hpp>

#include <boost/json.hpp>

#include <string>
#include <utility>
#include <vector>

namespace postbus::tests {

using settings = std::vector<std::pair<std::string, std::string>>;

inline config with_faults(const settings& own = {}) {
  config c = config_for("memory+faults");
  for (const auto& [name, value] : own) c.set("plugin.faults." + name, value);
  return c;
}

struct faulty_bus {
  explicit faulty_bus(const settings& own = {}) : b(with_faults(own).clock(clock)) {}
  ~faulty_bus() { b.close(); }

  void set(std::string_view json) { b.call("faults.set", json); }
  std::int64_t struck(std::string_view fault) {
    return boost::json::parse(b.call("faults.stats")).at(fault).as_int64();
  }
  // Collects what arrives, as one text.
  subscription listen(bus& on, std::string& to, subscribe_options options = {}) {
    return on.subscribe(
        "a", [&to](const delivery& d) { to += d.text(); }, options);
  }
  // The answer, or nothing as long as there is none.
  struct answer {
    bool came = false;
    error_code ec;
  };
  void publish(std::string_view data, answer& to) {
    b.async_publish("a", data, [&to](error_code ec, receipt) { to = {true, ec}; });
    clock.run_until_idle();
  }
  void publish(std::string_view data) {
    b.publish("a", data);
    clock.run_until_idle();
  }

  testing::manual_clock clock;
  bus b;
};

}  // namespace postbus::tests
