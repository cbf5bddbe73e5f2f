// A plugin of your own: size_limit.cpp beside this file, built into ../plugins/size-limit.so. The bus loads it because the
// configuration names it, and refuses what it rejects.
#include <postbus/bus.hpp>

#include <iostream>

int main() {
  postbus::bus bus(postbus::config().feature("size-limit").set("plugin.size-limit.max", "1KiB"));
  auto reports = bus.subscribe("report:{name}", [](const postbus::delivery& d) {
    std::cout << d.param("name") << " report: " << d.data().size() << " bytes\n";
  });

  bus.publish("report:short", std::string(100, '.'));
  bus.publish("report:long", std::string(1024, '.'));
  bus.wait_until_idle();
  try {
    bus.publish("report:endless", std::string(1025, '.'));
  } catch (const postbus::error& e) {
    std::cout << e.what() << '\n';
  }
}
