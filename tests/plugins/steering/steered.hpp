// A bus with the feature steering, on the virtual clock, and its receipts.
#pragma once

#include "support/bus.hpp"
#include "support/catch.hpp"

#include <postbus/steering.hpp>
#include <postbus/testing/manual_clock.hpp>

#include <boost/json.hpp>

#include <string>
#include <utility>
#include <vector>

namespace postbus::tests {

using settings = std::vector<std::pair<std::string, std::string>>;

inline config with_steering(const settings& own = {}) {
  config c = config_for("memory").feature("steering");
  for (const auto& [name, value] : own) c.set(name, value);
  return c;
}

struct steered_bus {
  explicit steered_bus(testing::manual_clock& shared, const settings& own = {})
      : clock(shared), b(with_steering(own).clock(clock)) {}

  boost::json::object call(std::string_view method, std::string_view json) {
    const std::string answer = b.call("steering." + std::string(method), json);
    clock.run_until_idle();
    return boost::json::parse(answer).as_object();
  }

  testing::manual_clock& clock;
  bus b;
};

// What is published on the topic of receipts, as "status id id".
class receipts_heard {
 public:
  explicit receipts_heard(bus& b, std::string_view pattern = "agent:steer:status:{session_id}")
      : s_(b.subscribe(pattern, [this](const delivery& d) {
          const auto r = d.json();
          std::string line(std::string_view(r.at("status").as_string()));
          for (const auto& id : r.at("ids").as_array())
            line += " " + std::string(std::string_view(id.as_string()));
          lines_.push_back(std::move(line));
        })) {}
  std::vector<std::string> take() { return std::exchange(lines_, {}); }

 private:
  std::vector<std::string> lines_;
  subscription s_;
};

inline std::vector<std::string> texts_of(const std::vector<steering::message>& all) {
  std::vector<std::string> texts;
  for (const auto& m : all) texts.push_back(m.text);
  return texts;
}

}  // namespace postbus::tests
