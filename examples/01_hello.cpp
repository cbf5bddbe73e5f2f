#include <postbus/bus.hpp>

#include <iostream>

int main() {
  postbus::bus bus;  // two worker threads and the in-memory transport
  auto greetings = bus.subscribe("greeting:{name}", [](const postbus::delivery& d) {
    std::cout << d.text() << ", " << d.param("name") << "!\n";
  });
  bus.publish("greeting:world", "Hello");
  bus.wait_until_idle();
}
