// The same with a plugin in C: drop_if.c beside this file, built into ../plugins/drop-if.so.
#include <postbus/bus.hpp>

#include <iostream>

int main() {
  postbus::bus bus(postbus::config().feature("drop-if").set("plugin.drop-if.value", "staging"));
  auto deploys = bus.subscribe("deploy:{app}", [](const postbus::delivery& d) {
    std::cout << d.param("app") << " goes to " << d.header("env").value_or("everywhere") << '\n';
  });

  const auto deploy = [&](const char* topic, const char* env) {
    const postbus::header headers[] = {{"env", env}};
    bus.publish(topic, "", {.headers = headers});
  };
  deploy("deploy:shop", "staging");
  deploy("deploy:shop", "production");
  deploy("deploy:search", "staging");
  bus.publish("deploy:mail", "");
  bus.wait_until_idle();

  for (const postbus::metric& m : bus.metrics())
    if (m.name == "postbus_drop_if_events_total") std::cout << m.name << ' ' << m.value << '\n';
}
