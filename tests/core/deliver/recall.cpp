// flow.recall across threads: what a feature let by before it changed its mind does not start behind its back.
#define POSTBUS_MODULE recall_module
#define POSTBUS_PLUGIN_MANIFEST                    \
  R"({"version": "1.0.0", "abi": 1, "plugins": [)" \
  R"({"id": "barrier", "provides": ["postbus.interceptor/1"], "verdicts": ["park"], "requires": ["postbus.flow/1"]}]})"
#include "support/bus.hpp"
#include "support/catch.hpp"

#include <postbus/sdk/plugin.hpp>

#include <mutex>

using namespace postbus;
using namespace postbus::tests;

namespace {

// Parks everything while it is down.
class barrier {
 public:
  explicit barrier(sdk::context& ctx) : flow_(ctx) { now = this; }
  sdk::verdict on_deliver(sdk::item& i) {
    // Look, and answer after a moment: the one that lets it by may be the last before the barrier comes down.
    if (!is_down.load()) return sdk::verdict::pass;
    const std::lock_guard lock(mutex_);
    if (!is_down.load()) return sdk::verdict::pass;
    parked_.push_back(i.ticket());
    return sdk::verdict::park;
  }
  void lower() {
    is_down = true;
    flow_.recall();
  }
  void raise() {
    std::vector<std::uint64_t> all;
    {
      const std::lock_guard lock(mutex_);
      is_down = false;
      all.swap(parked_);
    }
    for (const std::uint64_t ticket : all) flow_.resume(ticket, sdk::verdict::pass);
  }

  static inline barrier* now = nullptr;
  std::atomic<bool> is_down{false};

 private:
  sdk::flow flow_;
  std::mutex mutex_;
  std::vector<std::uint64_t> parked_;
};

}  // namespace

TEST_CASE("once recall returned and what ran has ended, nothing starts that the feature would not let by now",
          "[passes]") {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr int rounds = 50;
#else
  constexpr int rounds = 200;
#endif
  bus b(config_for("memory").module(recall_module).set("bus.features", R"(["barrier"])"));
  std::atomic<bool> is_quiet{false};
  std::atomic<std::size_t> seen{0}, unseen{0};
  subscribe_options o;
  o.concurrency = 2;
  const auto s = b.subscribe(
      "a",
      [&](const delivery&) {
        if (is_quiet) ++unseen;
        ++seen;
      },
      o);
  std::atomic<bool> over{false};
  std::uint64_t sent = 0;
  std::thread publisher([&] {
    for (; !over; ++sent)
      if (error_code ec; b.publish("a", "x", {}, ec), ec) std::this_thread::yield();
  });
  int full_rounds = 0;
  for (int n = 0; n < rounds; ++n) {
    const std::size_t before = seen;
    eventually([&] { return seen > before; });
    barrier::now->lower();
    if (!eventually([&] { return b.in_flight().empty(); })) break;
    is_quiet = true;
    for (int look = 0; look < 100; ++look) std::this_thread::yield();
    is_quiet = false;
    barrier::now->raise();
    ++full_rounds;
  }
  over = true;
  publisher.join();
  CHECK(full_rounds == rounds);
  CHECK(unseen == 0);
  CHECK(b.wait_until_idle());
}

POSTBUS_PLUGINS(POSTBUS_PLUGIN("barrier", barrier))
