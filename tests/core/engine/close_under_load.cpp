// Closing while everything is in motion, many times over. POSTBUS_CLOSE_ROUNDS says how many (500 unless set).
#include "support/bus.hpp"
#include "support/catch.hpp"

#include <cstdlib>
#include <iostream>
#include <random>

using namespace postbus;
using namespace postbus::tests;

namespace {

struct round_result {
  bool handler_running = false, publish_in_progress = false;  // when close() was called
  int started_late = 0;  // handlers that started after unsubscribe returned
  close_report report;
};

round_result one_round(unsigned seed) {
  std::mt19937 random(seed);
  round_result result;
  bus b(config_for("memory")
            .set("transport.dispatch", seed % 4 == 3 ? "inline" : "queued")
            .set("transport.queue_max", "512"));
  std::atomic<bool> gone{false}, stop{false};
  std::atomic<int> late{0}, running{0}, publishing{0}, handled{0};
  const auto work = [&] {
    ++running;
    ++handled;
    for (unsigned i = 0; i < 30'000; ++i)
      std::atomic_signal_fence(std::memory_order_seq_cst);  // some microseconds
    --running;
  };
  auto leaving = b.subscribe("load:*", [&](const delivery&) {
    if (gone) ++late;
    work();
  });
  subscribe_options group;
  group.group = "workers";
  group.backoff.first = std::chrono::microseconds(10);
  const auto worker = [&](const delivery& d) {
    work();
    if (d.attempt() == 1 && d.text().size() % 8 == 0) throw std::runtime_error("the first attempt fails");
    error_code ec;
    d.publish("follow:up", "x", {}, ec);
  };
  const auto one = b.subscribe("load:**", worker, group), two = b.subscribe("load:**", worker, group);
  const auto coroutine = b.subscribe("load:1", [&](delivery d) -> boost::asio::awaitable<void> {
    work();
    error_code ec;
    d.publish("follow:up", "y", {}, ec);
    co_return;
  });
  std::vector<std::thread> publishers;
  for (int p = 0; p < 2; ++p)
    publishers.emplace_back([&, p] {
      const std::string topic = "load:" + std::to_string(p);
      publish_options soon;
      soon.deadline = std::chrono::milliseconds(1);
      error_code ec;
      for (int n = 0; !stop && ec != error::closed; ++n) {
        ++publishing;
        b.publish(topic, std::string(static_cast<std::size_t>(n % 32), 'x'), soon, ec);
        --publishing;
      }
    });
  const int enough = static_cast<int>(random() % 40);
  eventually([&] { return handled >= enough; });
  leaving.unsubscribe();
  gone = true;
  // Most rounds insist on the interesting moment; the others take what comes.
  if (seed % 8 != 0) eventually([&] { return running > 0 && publishing > 0; });
  result.handler_running = running > 0;
  result.publish_in_progress = publishing > 0;
  result.report = b.close();
  stop = true;
  for (std::thread& t : publishers) t.join();
  result.started_late = late;
  return result;
}

}  // namespace

TEST_CASE("closing under load starts no handler after unsubscribe, and the report adds up", "[close]") {
  const char* wanted = std::getenv("POSTBUS_CLOSE_ROUNDS");
  const unsigned rounds = wanted != nullptr ? static_cast<unsigned>(std::atoi(wanted)) : 500;
  unsigned both = 0;
  for (unsigned seed = 0; seed < rounds; ++seed) {
    const round_result r = one_round(seed);
    INFO("seed " << seed);
    CHECK(r.started_late == 0);
    CHECK(r.report.clean);
    for (const auto& entry : r.report.subscriptions) {
      INFO(entry.pattern << " " << entry.group);
      CHECK(entry.counts.taken_on == sum(entry.counts));
      CHECK(entry.counts.abandoned == 0);
    }
    both += r.handler_running && r.publish_in_progress;
  }
  std::cout << "close under load: " << rounds << " rounds, " << both
            << " with a handler running and a publish in progress\n";
  CHECK(both * 2 >= rounds);
}
