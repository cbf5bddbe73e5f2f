// Plugins by g++ with libstdc++, by clang++ with libc++, and in C by gcc, in one bus.
#include "support/bus.hpp"
#include "support/catch.hpp"

#include <postbus/testing/load_module.hpp>

#include <iostream>
#include <string>
#include <vector>

#ifdef POSTBUS_TEST_MIXED_MISSING

TEST_CASE("plugins of three tool chains see every event in order", "[mixed]") {
  std::cout << "SKIPPED: this needs " POSTBUS_TEST_MIXED_MISSING "\n";
}

#else

using namespace postbus;
using namespace postbus::tests;

namespace {

config all_three() {
  return config_for("memory")
      .plugin_path(POSTBUS_TEST_MIXED_DIR)
      .feature("seen-gnu")
      .feature("seen-llvm")
      .feature("seen-c");
}

}  // namespace

TEST_CASE("plugins of three tool chains see every event in order", "[mixed]") {
  bus b(all_three());
  std::vector<std::string> got;
  auto s = b.subscribe("a", [&](const delivery& d) { got.emplace_back(d.text()); });
  for (int i = 1; i <= 1000; ++i) b.publish("a", "event " + std::to_string(i));
  REQUIRE(b.wait_until_idle(deadline));
  REQUIRE(got.size() == 1000);
  for (int i = 1; i <= 1000; ++i) {
    const std::string n = std::to_string(i);
    REQUIRE(got[static_cast<std::size_t>(i - 1)] == "event " + n + " > libstdc++ " + n + " > libc++ " + n +
                                                        " > C " + n + " < C " + n + " < libc++ " + n +
                                                        " < libstdc++ " + n);
  }
  CHECK(b.close().clean);
}

TEST_CASE("what either C++ library throws ends at its own boundary", "[mixed]") {
  // As the only feature: one before it would have changed the data that it looks for.
  for (const auto& [plugin, name] : {std::pair("seen-gnu", "libstdc++"), std::pair("seen-llvm", "libc++")}) {
    CAPTURE(plugin);
    bus b(config_for("memory").plugin_path(POSTBUS_TEST_MIXED_DIR).feature(plugin));
    error_code ec;
    b.publish("a", "throw in " + std::string(name), {}, ec);
    CHECK(ec);
    b.publish("a", "nothing to throw", {}, ec);
    CHECK(!ec);
  }
}

TEST_CASE("each of the three libraries is another file with a module of its own", "[mixed]") {
  const auto module = [](const char* id) {
    return &testing::load_module(POSTBUS_TEST_MIXED_DIR "/" + std::string(id) + ".so");
  };
  CHECK(module("seen-gnu") != module("seen-llvm"));
  CHECK(module("seen-llvm") != module("seen-c"));
  CHECK(std::string(module("seen-llvm")->plugins[0]->id) == "seen-llvm");
}

#endif
