// A bus with the transport and a feature that were installed, and the plugin that was built beside this program.
#include <postbus/bus.hpp>
#include <postbus/dedup.hpp>

#include <iostream>

int main() {
  postbus::bus bus(postbus::config()
                       .plugin_path(POSTBUS_PLUGIN_DIR)
                       .feature("shout")
                       .set("plugin.shout.mark", "!!")
                       .feature("dedup"));
  auto greetings = bus.subscribe("greeting:{name}", [](const postbus::delivery& d) {
    std::cout << d.text() << ' ' << d.param("name") << '\n';
  });
  bus.publish("greeting:stranger", "hello");
  bus.wait_until_idle();
  return postbus::dedup(bus).stats().claimed == 1 ? 0 : 1;
}
