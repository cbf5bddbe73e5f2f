// A handler that is a coroutine: it may wait for other things, here for its own publishes, without holding a thread.
#include <postbus/bus.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <iostream>

using boost::asio::awaitable, boost::asio::use_awaitable;

int main() {
  postbus::bus bus;
  auto orders = bus.subscribe("order:{id}", [&](postbus::delivery d) -> awaitable<void> {
    const std::string id(d.param("id"));
    std::cout << "order " << id << ": " << d.text() << '\n';
    co_await bus.async_publish("reserve:" + id, d.text(), use_awaitable);
    std::cout << "order " << id << ": reservation confirmed by the transport\n";
    co_await bus.async_publish("ship:" + id, d.text(), use_awaitable);
  });
  auto shipping = bus.subscribe("ship:{id}", [](const postbus::delivery& d) {
    if (d.attempt() == 1)
      throw postbus::retry{std::chrono::milliseconds(1)};  // the lorry was full: again in a moment
    std::cout << "shipped on attempt " << d.attempt() << ": " << d.text() << '\n';
  });

  bus.publish("order:1", "three apples");
  bus.wait_until_idle();
}
