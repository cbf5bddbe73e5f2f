// All faults at once, on threads: whatever goes wrong, the contract is kept.
#include "faulty_bus.hpp"

using namespace postbus;
using namespace postbus::tests;

TEST_CASE("with every fault at work each publish is answered once, and the bus closes", "[faults]") {
  constexpr int publishers = 4, each = 500;
  std::vector<std::atomic<int>> answers(publishers * each);
  std::atomic<int> delivered{0};
  {
    bus b(with_faults({{"drop", "0.1"},
                       {"duplicate", "0.1"},
                       {"reorder", "0.2"},
                       {"delay", "0.2"},
                       {"delay_max", "1ms"},
                       {"disconnect", "0.01"},
                       {"disconnect_time", "1ms"},
                       {"stall", "0.2"},
                       {"stall_max", "1ms"},
                       {"fail", "0.1"}}));
    std::vector<subscription> all;
    for (int i = 0; i < 3; ++i) all.push_back(b.subscribe("a", [&](const delivery&) { ++delivered; }));
    std::vector<std::thread> threads;
    for (int p = 0; p < publishers; ++p)
      threads.emplace_back([&, p] {
        for (int i = 0; i < each; ++i)
          b.async_publish(
              "a", "x",
              [&answer = answers[static_cast<std::size_t>(p * each + i)]](error_code, receipt) { ++answer; });
      });
    all.pop_back();
    for (std::thread& t : threads) t.join();
    b.close(5s);
  }
  CHECK(delivered > 0);
  int wrong = 0;
  for (const auto& one : answers) wrong += one != 1;
  CHECK(wrong == 0);
}
