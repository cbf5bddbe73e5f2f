// A bus that dies at each step of claim → effect → done → ack, and another that takes over. Who is dead says nothing to the store and
// nothing to the transport any more; what it had is given to the other one when its connection is gone.
#include "dedup_buses.hpp"

using namespace postbus;
using namespace postbus::tests;

namespace {

enum class death { before_claim, after_claim, after_effect, after_done };

struct mortal : dedup_buses {
  explicit mortal(death when) {
    settings own = faulty_store;
    own.emplace_back("plugin.dedup.on_store_down", "wait");
    own.emplace_back("transport.wrappers", "[\"faults\"]");
    bus& dies = open(own);
    if (when == death::before_claim) cut(dies);
    auto one_at_a_time = workers();
    one_at_a_time.prefetch = 1;
    auto first = dies.subscribe(
        "job",
        [&](const delivery& d) {
          if (when != death::after_claim) ++effects;
          if (when != death::after_done) return kept.push_back(d.defer()), cut(dies);
          dies.call("faults.set",
                    R"({"fail": 1})");  // the ack does not get through; what goes before it does
        },
        one_at_a_time);
    publish(dies, "e1");
    clock.advance(1s);
    if (when == death::after_done) cut(dies);
    bus& lives = open({{"plugin.dedup.on_store_down", "wait"}});
    second = lives.subscribe(
        "job", [&](const delivery&) { ++effects; }, workers());
    publish(lives, "e1");  // the producer is not sure either
    clock.advance(30s);
    early = effects;
    clock.advance(1min);
    late = effects;
    // Its connection is gone: what it had comes back.
    first = {};
    buses.front()->close(0s, 0s);
    kept.clear();
    clock.advance(10min);
  }
  static void cut(bus& b) { b.call("faults-store.set", R"({"fail": 1})"); }

  std::vector<settlement> kept;
  subscription second;
  int effects = 0, early = 0, late = 0;
};

}  // namespace

TEST_CASE("a crash before the claim costs nothing: the event is handled once", "[dedup][crash]") {
  const mortal m(death::before_claim);
  CHECK((m.early == 1 && m.effects == 1));
  CHECK(m.second.counts().acked == 1);
}

TEST_CASE("a crash after the claim and before the effect costs the lease: then the event is handled, once",
          "[dedup][crash]") {
  const mortal m(death::after_claim);
  CHECK((m.early == 0 && m.late == 1 && m.effects == 1));
  CHECK(m.second.counts().acked == 1);
}

TEST_CASE("a crash after the effect and before it is done is the window that is stated: twice",
          "[dedup][crash]") {
  const mortal m(death::after_effect);
  CHECK((m.early == 1 && m.late == 2 && m.effects == 2));
}

TEST_CASE("a crash after it is done and before the ack costs nothing: the event is handled once",
          "[dedup][crash]") {
  const mortal m(death::after_done);
  CHECK((m.early == 1 && m.late == 1 && m.effects == 1));
  CHECK((m.second.counts().acked == 0 && m.second.counts().dropped == 2));
}
