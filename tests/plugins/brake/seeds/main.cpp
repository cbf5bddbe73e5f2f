// brake-seeds: user 42 is paused and resumed, over many seeds, each of which is another interleaving with other faults.
#include "support/seeds.hpp"
#include "world.hpp"

using namespace postbus::tests;

int main(int argc, char** argv) {
  return play_seeds(argc, argv, [](std::uint64_t seed, bool tells) {
    world w(seed, tells);
    w.run();
    const tally& t = w.seen;
    return played{w.hash(),
                  w.complaints,
                  {{"handlers started", t.starts},
                   {"pauses", t.pauses},
                   {"completed, as far as was looked", t.completed},
                   {"answers with a process that had not confirmed", t.unconfirmed},
                   {"answers that say partial", t.partial},
                   {"stragglers listed", t.stragglers},
                   {"unverified ones listed", t.lapsed},
                   {"publishes refused", t.refused_publishes},
                   {"buses replaced", t.replaced},
                   {"buses that hung", t.hung}}};
  });
}
