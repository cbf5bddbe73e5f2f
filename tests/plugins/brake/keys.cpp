// What is in the store: other programs read it, write it, and it may be lost.
#include "fleet.hpp"

using namespace postbus;
using namespace postbus::tests;

namespace {

struct shared_keys : fleet {
  using fleet::fleet;
  std::string get(const std::string& key, const std::string& field = {}) {
    const std::string json = R"({"key": ")" + key + (field.empty() ? "" : R"(", "field": ")" + field) + "\"}";
    return std::string(boost::json::parse((*this)[0].call("foreign.get", json)).as_string());
  }
  void set(const std::string& key, const std::string& value) {
    (*this)[0].call("foreign.set", R"({"key": ")" + key + R"(", "value": ")" + value + "\"}");
  }
  void field(const std::string& key, const std::string& name, const std::string& value) {
    (*this)[0].call("foreign.field",
                    R"({"key": ")" + key + R"(", "field": ")" + name + R"(", "value": ")" + value + "\"}");
  }
  void erase(const std::string& key) { (*this)[0].call("foreign.erase", R"({"key": ")" + key + "\"}"); }
  bool refuses(std::size_t i) {
    error_code ec;
    (*this)[i].publish("jobs:42:a", "x", {}, ec);
    return ec == error::paused;
  }
};

}  // namespace

TEST_CASE("the keys are those that existing programs know", "[brake]") {
  shared_keys f(2);
  f.call("pause", 0, R"({"key": "42", "actor": "ann"})");
  CHECK(f.get("paused:42") == "1");
  CHECK(f.get("brake_state:42", "state") == "paused");
  CHECK(f.get("brake_state:42", "epoch") == "1");
  CHECK(f.get("brake_state:42", "actor") == "ann");
  CHECK(f.get("brake_state:42", "activated_at") == std::to_string(f.clock.wall_ns()));
  CHECK(f.get("brake_state:42", "paused_tasks_count") == "0");
  CHECK(f.get("brake_state:42", "stuck_tasks") == "[]");
  f.call("resume");
  CHECK(f.get("paused:42").empty());
  CHECK(f.get("brake_state:42", "state") == "running");
  CHECK(f.get("brake_state:42", "epoch") == "2");
}

TEST_CASE("a foreign pause stops a delivery at once, whatever the flag says, and is entered", "[brake]") {
  shared_keys f(2);
  int started = 0;
  const auto s = f[1].subscribe("jobs:{user_id}:*", [&](const delivery&) { ++started; });
  f.set("paused:42", "because");
  f.publish("jobs:42:a", "x");
  CHECK(started == 0);
  CHECK(f.get("paused:42") == "because");
  CHECK(f.state() == "paused");
  CHECK(f.call("status").at("actor") == "another program");
  CHECK(f.refuses(0));
  CHECK(f.refuses(1));
}

TEST_CASE("a foreign pause is found without a delivery too, within two heartbeats", "[brake]") {
  shared_keys f(2);
  f.set("paused:42", "1");
  f.clock.advance(10s);
  CHECK(f.refuses(0));
  CHECK(f.refuses(1));
}

TEST_CASE("a foreign resume is adopted: the flag is gone, and the state stands", "[brake]") {
  shared_keys f(2);
  int started = 0;
  const auto s = f[1].subscribe("jobs:{user_id}:*", [&](const delivery&) { ++started; });
  f[0].publish("jobs:42:a", "x");
  f.call("pause");
  f.clock.run_until_idle();
  f.erase("paused:42");
  f.clock.advance(5s);
  CHECK(f.state() == "running");
  CHECK(started == 1);
  CHECK(f.get("brake_state:42", "epoch") == "2");
}

TEST_CASE("a pause that the store lost is entered again, in a higher epoch", "[brake]") {
  shared_keys f(2);
  f.call("pause");
  SECTION("all of it") {
    f.erase("paused:42");
    f.erase("brake_state:42");
  }
  SECTION("the last epochs") {
    f.erase("paused:42");
    f.field("brake_state:42", "epoch", "0");
    f.field("brake_state:42", "state", "running");
  }
  f.clock.advance(5s);
  CHECK(f.state() == "paused");
  CHECK(f.get("brake_state:42", "epoch") == "2");
  CHECK(f.get("paused:42") == "2");
  CHECK(f.refuses(1));
}

TEST_CASE("a resume that the store lost is not", "[brake]") {
  shared_keys f(2);
  f.call("pause");
  f.call("resume");
  f.set("paused:42", "1");  // as a replica had it
  f.field("brake_state:42", "epoch", "1");
  f.field("brake_state:42", "state", "paused");
  f.clock.advance(10s);
  CHECK(f.state() == "paused");
  CHECK(f.refuses(1));
}

TEST_CASE("a key of a foreign type is an error that says so, and pauses nothing by halves", "[brake]") {
  shared_keys f(1);
  f.set("brake_state:42", "no hash");
  std::string said;
  try {
    f.call("pause");
  } catch (const error& e) {
    said = e.what();
  }
  CHECK(said.find("hash") != said.npos);
  CHECK(f.get("paused:42").empty());
  CHECK_FALSE(f.refuses(0));
}
