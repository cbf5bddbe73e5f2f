// ledger: books are kept of every event in every group, over many seeds, each of which is another interleaving with other faults.
#include "support/seeds.hpp"
#include "world.hpp"

using namespace postbus;

int main(int argc, char** argv) {
  return tests::play_seeds(argc, argv, [](std::uint64_t seed, bool tells) {
    ledger::world w(seed, tells);
    w.run();
    tests::played p{w.clock.schedule_hash(), w.books.complaints, {{"events", w.books.events.size()}}};
    for (std::size_t k = 0; k < ledger::kind_names.size(); ++k)
      p.seen.emplace_back(ledger::kind_names[k], w.books.seen.of(k));
    return p;
  });
}
