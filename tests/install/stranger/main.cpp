// A bus with the transport that was installed and the plugin that was built beside this program.
#include <postbus/bus.hpp>
#include <postbus/steering.hpp>

#include <iostream>

int main() {
  postbus::bus bus(postbus::config()
                       .plugin_path(POSTBUS_PLUGIN_DIR)
                       .feature("shout")
                       .feature("steering")
                       .set("plugin.shout.mark", "!!"));
  auto greetings = bus.subscribe("greeting:{name}", [](const postbus::delivery& d) {
    std::cout << d.text() << ' ' << d.param("name") << '\n';
  });
  bus.publish("greeting:stranger", "hello");
  bus.wait_until_idle();
  postbus::steering inbox(bus, "s1");
  inbox.push("rather loud");
  for (const auto& m : inbox.take_all()) std::cout << m.text << '\n';
}
