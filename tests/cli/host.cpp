// An application with a bus of its own: its handler of job:{user_id}:run works until it is asked to stop, that of echo replies with
// what it gets, or that it will not. It runs until it is killed.
#include <postbus/bus.hpp>

#include <unistd.h>

#include <condition_variable>
#include <iostream>
#include <mutex>

int main() {
  postbus::bus bus(postbus::config::from_file("postbus.toml"));
  auto jobs = bus.subscribe("job:{user_id}:run", [](const postbus::delivery& d) {
    std::cout << "working\n" << std::flush;
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any nothing;
    nothing.wait(lock, d.stop_token(), [] { return false; });
    std::cout << "stopped\n" << std::flush;
  });
  auto echo = bus.subscribe("echo", [](const postbus::delivery& d) {
    if (d.text() == "quiet") return;
    if (d.text() == "no") d.reply_error("will not");
    else d.reply(d.data(), d.content_type());
  });
  std::cout << "\nready\n" << std::flush;
  for (;;) ::pause();
}
