#include "inquiry.hpp"

#include "attachment.hpp"
#include "engine/engine.hpp"

#include <boost/container/static_vector.hpp>

namespace postbus::detail {

void inquiry::ask(item_chain some) {
  stay = {};
  while (some.first != nullptr) ask_some(some);
}

void inquiry::ask_some(item_chain& some) {
  thread_record& thread = owner_.threads.mine();
  const std::uint64_t recalls = owner_.recalls.load(std::memory_order_acquire);
  boost::container::static_vector<item*, together> row, whose;
  boost::container::static_vector<traveller, together> asked;
  while (some.first != nullptr && row.size() < together) row.push_back(&some.pop());
  {
    const passage inside(thread);
    if (thread.depth == 1) thread.topics.begin();
    for (item* i : row) {
      if (!i->needs_asking(recalls)) continue;
      traveller& t = asked.emplace_back();
      if (sets_out(thread, *i, t)) whose.push_back(i);
      else asked.pop_back();
    }
    if (!asked.empty()) ask_all(thread, asked);
  }
  auto at = asked.begin();
  for (item* i : row) {
    if (at != asked.end() && i == whose[static_cast<std::size_t>(at - asked.begin())]) arrives(*i, *at++);
    else stay.add(i, i);
  }
}

// False: no feature looks at it.
bool inquiry::sets_out(thread_record& thread, item& i, traveller& t) const {
  const std::string_view topic = sdk::view(i.event->topic);
  t.entry = owner_.find_topic(thread, topic, sdk::hash_bytes(topic), t.ec, true);
  if (t.entry == nullptr || t.entry->deliver_mask == 0) {
    i.passage = item::passage_state::let_by;
    return false;
  }
  t.event = i.event;
  t.attempt = i.attempt;
  t.subscriber = &i.from->subscriber;
  t.can = i.from->to.can;
  t.marks = std::move(i.marks);
  if (t.marks.ticket == 0) t.marks.ticket = owner_.features.next_ticket(thread);
  const std::uint64_t recalls = owner_.recalls.load(std::memory_order_acquire);
  if (const auto answered = std::move(i.aside)) {
    t.at = answered->at;
    owner_.features.take_answer(thread, POSTBUS_AT_DELIVER, t, answered->answer);
    if (i.recalls_seen != recalls) t.at = 0;  // what was answered is out of date
  }
  i.recalls_seen = recalls;
  return true;
}

// And takes what answers are there already.
void inquiry::ask_all(thread_record& thread, std::span<traveller> all) const {
  for (bool goes_on = true; goes_on;) {
    owner_.features.ask(thread, POSTBUS_AT_DELIVER, all);
    goes_on = false;
    for (traveller& t : all) {
      if (!t.is_kept()) continue;
      const auto came = owner_.features.waiting.take(t.marks.ticket);
      if (!came) continue;
      owner_.features.take_answer(thread, POSTBUS_AT_DELIVER, t, *came);
      goes_on = true;
    }
  }
}

void inquiry::arrives(item& i, traveller& t) {
  i.marks = std::move(t.marks);
  if (t.owned != nullptr) {
    event_record::of(i.event).release();
    i.event = t.owned;
  }
  i.passage = item::passage_state::to_ask;
  switch (t.verdict) {
    case POSTBUS_PASS:
      i.passage = item::passage_state::let_by;
      return stay.add(&i, &i);
    case POSTBUS_DROP:
      ended.emplace_back(&i, verdict{verdict::drop, {}, {}});
      return;
    case POSTBUS_REJECT:
      ended.emplace_back(&i, verdict{verdict::dead, {}, std::move(t.reason)});
      return;
    case POSTBUS_HOLD:
    case POSTBUS_PARK:
      i.aside = std::make_unique<suspension>();
      i.aside->at = t.at;
      i.aside->parks = t.verdict == POSTBUS_PARK;
      aside.push_back({&i, i.marks.ticket, i.aside->parks});
      if (i.aside->parks || !holds_in_place_) return;
      i.passage = item::passage_state::held;
      return stay.add(&i, &i);
    default:
      ended.emplace_back(&i, verdict{verdict::retry, {}, std::move(t.reason)});
  }
}

}  // namespace postbus::detail
