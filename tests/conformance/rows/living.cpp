// Health, and what a bus leaves behind: rows 26, 27.
#include "all_rows.hpp"

#include <postbus/conformance/scene.hpp>

#include <algorithm>
#include <filesystem>

namespace postbus::conformance {
namespace {

using namespace std::chrono_literals;

void live_and_ready(scene& s) {
  bus& b = s.open();
  const auto sub = b.subscribe("a", [](const delivery&) {});
  const int rounds = s.is_virtual() ? 1500 : 50;  // in real time each may be a question to a server
  for (int round = 0; round < rounds && s.failures().empty(); ++round) {
    s.publish(b, "a", "x");
    s.settle_down();
    const health h = b.health();
    s.expect(h.live, "a bus that runs is live");
    std::string parts;
    for (const component_health& c : h.components)
      parts += "; " + c.name + " is " + std::string(to_string(c.state)) + " " + c.reason;
    s.expect(h.ready, "a bus that runs is ready" + parts);
    const auto transport =
        std::ranges::find(h.components, std::string_view("transport.default"), &component_health::name);
    s.require(transport != h.components.end(), "the transport is among the parts whose health is told");
    s.expect(transport->state == health_state::healthy, "the transport is healthy; it is " +
                                                            std::string(to_string(transport->state)) + ": " +
                                                            transport->reason);
  }
  b.close();
  s.expect(!b.health().ready, "a bus that is closed is not ready");
}

std::ptrdiff_t entries_of(const char* folder) {
  return std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator());
}

void leaves_nothing_behind(scene& s) {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  constexpr int rounds = 200;  // a sanitizer sees a leak in one
#else
  constexpr int rounds = 1000;
#endif
  const auto once = [&] {
    bus b(s.configuration());
    std::atomic<int> calls{0};
    const auto sub = b.subscribe("a", [&](const delivery&) { ++calls; });
    s.publish(b, "a", "x");
    s.wait_until([&] { return calls == 1; }, "an event arrives");
  };
  for (int i = 0; i < 10; ++i) once();
  const auto fds = entries_of("/proc/self/fd"), threads = entries_of("/proc/self/task");
  for (int i = 0; i < rounds; ++i) once();
  s.expect_equal(entries_of("/proc/self/fd"), fds, "open files after " + std::to_string(rounds) + " rounds");
  s.wait_until([&] { return entries_of("/proc/self/task") <= threads; },
               "there are no more threads than before");
}

constexpr row table[] = {
    {26,
     "a bus that runs is live and ready, and one that is closed is not ready",
     {},
     timing::either,
     live_and_ready},
    {27,
     "a bus made, started, stopped and destroyed many times leaves nothing behind",
     {},
     timing::real,
     leaves_nothing_behind},
};

}  // namespace

std::span<const row> life_rows() { return table; }

}  // namespace postbus::conformance
