// A bus with the transport and the features that were installed, and the plugin that was built beside this program.
#include <postbus/brake.hpp>
#include <postbus/bus.hpp>
#include <postbus/dedup.hpp>
#include <postbus/steering.hpp>

#include <iostream>

int main() {
  postbus::bus bus(postbus::config()
                       .plugin_path(POSTBUS_PLUGIN_DIR)
                       .feature("shout")
                       .feature("dedup")
                       .feature("brake")
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
  const auto nobody = postbus::brake(bus).status(postbus::brake::all());
  return nobody.state == postbus::brake::running && postbus::dedup(bus).stats().claimed == 1 ? 0 : 1;
}
