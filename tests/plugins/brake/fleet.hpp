// A fleet: buses with the brake that share a memory transport, a store and the virtual clock, as processes would share servers.
#pragma once

#include "support/bus.hpp"
#include "support/catch.hpp"

#include <postbus/testing/manual_clock.hpp>

#include <boost/json.hpp>

#include <memory>
#include <vector>

extern const postbus_module foreign_program;  // foreign.cpp

namespace postbus::tests {

using settings = std::vector<std::pair<std::string, std::string>>;

struct fleet {
  explicit fleet(std::size_t n = 1, settings own = {}) : own_(std::move(own)) {
    static int fleets = 0;
    name_ = "fleet-" + std::to_string(++fleets);
    for (std::size_t i = 0; i < n; ++i) open();
  }
  ~fleet() {
    for (auto& b : buses)
      if (b != nullptr) b->close();
  }

  bus& open(const settings& more = {}) {
    buses.push_back(std::make_unique<bus>(configuration(more)));
    return *buses.back();
  }
  config configuration(const settings& more = {}) {
    config c = config_for("memory")
                   .name("bus-" + std::to_string(buses.size()))
                   .feature("brake")
                   .module(foreign_program)
                   .feature("foreign")
                   .set("transport.instance", name_)
                   .set("store.plugin", "memory-store")
                   .set("store.instance", name_)
                   .set("store.wrappers", "[\"faults-store\"]")
                   .set("plugin.brake.topics", "[\"jobs:{user_id}:**\", \"agent:*:{user_id}\"]")
                   .set("plugin.brake.key", "param:user_id")
                   .set("plugin.brake.process", "p" + std::to_string(buses.size()))
                   .clock(clock);
    for (const auto& all : {own_, more})
      for (const auto& [key, value] : all) c.set(key, value);
    return c;
  }
  bus& operator[](std::size_t i) { return *buses[i]; }

  // Away: the bus cannot reach the store. Back: it can.
  void partition(std::size_t i) { (*this)[i].call("faults-store.set", R"({"fail": 1})"); }
  void heal(std::size_t i) { (*this)[i].call("faults-store.set", R"({"fail": 0})"); }

  boost::json::object call(std::string_view method, std::size_t i = 0,
                           std::string_view json = R"({"key": "42"})") {
    return boost::json::parse((*this)[i].call("brake." + std::string(method), json)).as_object();
  }
  // The state of user 42, or of what is asked for.
  std::string state(std::size_t i = 0, std::string_view json = R"({"key": "42"})") {
    return std::string(call("status", i, json).at("state").as_string());
  }
  // What still runs of user 42: "TOPIC ID", and "?" behind one that is unverified.
  std::string running(std::size_t i = 0) {
    std::string text;
    const boost::json::object answer = call("status", i);
    for (const auto& one : answer.at("running").as_array())
      text += std::string(one.at("topic").as_string()) + (one.at("unverified").as_bool() ? "? " : " ");
    return text;
  }
  void publish(std::string_view topic, std::string_view data, std::size_t i = 0) {
    (*this)[i].publish(topic, data);
    clock.run_until_idle();
  }

  testing::manual_clock clock;
  std::vector<std::unique_ptr<bus>> buses;

 private:
  settings own_;
  std::string name_;
};

}  // namespace postbus::tests
