// inquiry: asks the features about deliveries that are ready, many at once, and says what becomes of each. Whose deliveries they are
// does the rest: it puts back what stays, waits for what is kept, and settles what has ended.
#pragma once

#include "delivery_state.hpp"
#include "verdict.hpp"

#include <span>
#include <utility>
#include <vector>

namespace postbus::detail {

class engine;
struct thread_record;
struct traveller;

class inquiry {
 public:
  static constexpr std::size_t together = 64;

  // By a feature. Nobody waits for its verdict yet, so nobody else has the item.
  struct kept {
    item* what;
    std::uint64_t ticket;
    bool parks;
  };

  // `holds_in_place`: what a feature holds stays among the others, where it stood.
  inquiry(engine& owner, bool holds_in_place) noexcept : owner_(owner), holds_in_place_(holds_in_place) {}

  // Those that need no asking stay. May be called again with what stayed, when a feature took something back meanwhile.
  void ask(item_chain some);

  item_chain stay;  // let by, or held in their places; in their order
  std::vector<kept> aside;
  std::vector<std::pair<item*, verdict>> ended;

 private:
  void ask_some(item_chain& some);
  bool sets_out(thread_record& thread, item& i, traveller& t) const;
  void ask_all(thread_record& thread, std::span<traveller> all) const;
  void arrives(item& i, traveller& t);

  engine& owner_;
  const bool holds_in_place_;
};

}  // namespace postbus::detail
