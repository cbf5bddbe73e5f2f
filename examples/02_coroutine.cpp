// A handler that is a coroutine: it may wait for other things, here for its own publish, without holding a thread.
#include <postbus/bus.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <iostream>

using boost::asio::awaitable, boost::asio::use_awaitable;

int main() {
  postbus::bus bus;
  auto orders = bus.subscribe("order:{id}", [&](postbus::delivery d) -> awaitable<void> {
    std::cout << "order " << d.param("id") << ": " << d.text() << '\n';
    co_await bus.async_publish("shipped:" + std::string(d.param("id")), d.text(), use_awaitable);
    std::cout << "order " << d.param("id") << ": confirmed\n";
  });
  auto shipped = bus.subscribe("shipped:{id}", [](const postbus::delivery& d) {
    if (d.attempt() == 1) throw postbus::retry{std::chrono::milliseconds(1)};  // the lorry was full: again in a moment
    std::cout << "shipped on attempt " << d.attempt() << ": " << d.text() << '\n';
  });

  bus.publish("order:1", "three apples");
  bus.wait_until_idle();
}
