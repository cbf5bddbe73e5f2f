// Two or three buses, copies of events, handlers that fail, and a store that goes away: in any order that a seed draws, each event has
// its effect once.
#include "dedup_buses.hpp"

#include <iostream>
#include <random>
#include <set>

using namespace postbus;
using namespace postbus::tests;

namespace {

class play : dedup_buses {
 public:
  explicit play(std::uint64_t seed) : dedup_buses(seed), random_(seed) {
    clock.explore();
    const unsigned n = 2 + below(2);
    const std::string answers = one_in(2) ? "later" : "at-once";
    for (unsigned b = 0; b < n; ++b) {
      settings own = faulty_store;
      own.emplace_back("store.answers", answers);
      own.emplace_back("plugin.dedup.on_store_down", "wait");
      own.emplace_back("plugin.faults-store.seed", std::to_string(seed * 4 + b));
      own.emplace_back("plugin.faults-store.disconnect_time", "700ms");
      own.emplace_back("plugin.faults-store.stall_max", "400ms");
      own.emplace_back("plugin.dedup.publish", seed % 4 == 0 ? "true" : "false");
      own.emplace_back("bus.name", "fleet");
      open(own).call("faults-store.set",
                     R"({"fail": 0.05, "unknown": 0.05, "stall": 0.1, "disconnect": 0.02})");
    }
  }
  ~play() {
    kept_.clear();
    members_.clear();
  }

  // What is wrong at the end; empty: nothing.
  std::string run() {
    for (auto& b : buses) {
      subscribe(*b);
      if (one_in(2)) subscribe(*b);
    }
    for (int step = 0; step < 30; ++step) {
      const unsigned id = below(ids);
      publish_options options;
      const std::string name = "e" + std::to_string(id);
      options.id = name;
      buses[below(static_cast<unsigned>(buses.size()))]->async_publish("job", "x", options,
                                                                       [this, id](error_code ec, receipt) {
                                                                         if (!ec) published_.insert(id);
                                                                       });
      move_on();
      settle_one();
    }
    while (!kept_.empty()) {
      settle_one();
      move_on();
    }
    for (int n = 0; n < 20; ++n) {
      clock.advance(10s);
      while (!kept_.empty()) settle_one();
    }
    return judge();
  }

 private:
  static constexpr unsigned ids = 8;

  unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
  bool one_in(unsigned n) { return below(n) == 0; }
  void move_on() {
    if (one_in(3)) clock.run_until_idle();
    else clock.advance(std::chrono::milliseconds(below(120)));
  }

  void subscribe(bus& b) {
    subscribe_options o = workers();
    o.max_deliveries = 1000;
    o.concurrency = 1 + below(3);
    o.prefetch = 1 + below(8);
    if (one_in(3)) o.ordered_by = "", o.backoff = {.first = 20ms};
    members_.push_back(b.subscribe(
        "job",
        [this](const delivery& d) {
          if (one_in(4)) throw std::runtime_error("not now");
          if (one_in(3)) return kept_.emplace_back(std::string(d.id()), d.defer()), void();
          ++effects_[std::string(d.id())];
        },
        o));
  }
  // Its effect comes with the answer: until then it may still fail.
  void settle_one() {
    if (kept_.empty()) return;
    const unsigned n = below(static_cast<unsigned>(kept_.size()));
    auto [id, settlement] = std::move(kept_[n]);
    kept_.erase(kept_.begin() + n);
    if (one_in(4)) return settlement.retry();
    ++effects_[id];
    settlement.ack();
  }
  std::string judge() {
    std::string wrong;
    for (const unsigned id : published_) {
      const int n = effects_["e" + std::to_string(id)];
      if (n != 1) wrong += "e" + std::to_string(id) + " had " + std::to_string(n) + " effects; ";
    }
    for (auto& b : buses)
      for (const char* name : {"running", "waiting", "lapsed"})
        if (const auto left = stat(*b, name); left != 0)
          wrong += std::string(name) + " " + std::to_string(left) + "; ";
    for (const subscription& s : members_)
      if (sum(s.counts()) != s.counts().taken_on) wrong += "something is open; ";
    return wrong;
  }

  std::mt19937_64 random_;
  std::vector<subscription> members_;
  std::vector<std::pair<std::string, settlement>> kept_;
  std::map<std::string, int> effects_;
  std::set<unsigned> published_;
};

void play_all(std::uint64_t first, std::uint64_t n) {
  std::uint64_t wrong = 0;
  for (std::uint64_t seed = first; seed < first + n; ++seed) {
    const std::string what = play(seed).run();
    if (what.empty()) continue;
    ++wrong;
    CAPTURE(seed, what);
    CHECK(what.empty());
    if (wrong == 5) break;
  }
  std::cout << n << " seeds, " << wrong << " with something wrong\n";
}

}  // namespace

TEST_CASE("whatever the order, the failures and the outages, each event has its effect once",
          "[dedup][seeds]") {
  play_all(1, 100);
}

TEST_CASE("the same with ten thousand seeds", "[.][many]") { play_all(1, 10'000); }
