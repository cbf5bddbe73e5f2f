// What goes wrong in the middle of a run, at moments that the seed decides.
#include "world.hpp"

namespace postbus::ledger {

void world::plan_faults() {
  const auto at_some_time = [&](std::int64_t from_ms, std::uint64_t span_ms, auto f) {
    later(from_ms * 1'000'000 + static_cast<std::int64_t>(below(span_ms * 1'000'000)), f);
  };
  for (int n = 0; n < 6; ++n) at_some_time(2, 120, [this] { leave_and_return(); });
  for (int n = 0; n < 12; ++n) at_some_time(10, 200, [this] { send_back(); });
  for (int n = 0; n < 4; ++n) at_some_time(5, 100, [this] { cancel_one(); });
  at_some_time(30, 100, [this] {
    link_stalls(false);  // until it closes: an answer that is late is waited for
    later(5'000'000, [this] { close_one(); });
  });
}

void world::link_stalls(bool now) {
  for (const auto& b : buses_)
    if (b != nullptr && link_may_stall_) b->call("faults.set", now ? R"({"stall":0.05})" : R"({"stall":0})");
}

void world::store_fails(bool now) {
  for (const auto& b : buses_)
    if (b != nullptr && store_may_fail_)
      b->call("faults-store.set", now ? R"({"fail":0.3})" : R"({"fail":0})");
}

void world::leave_and_return() {
  const auto role = static_cast<unsigned>(below(roles));
  if (now_[role] == nullptr) return;
  books.seen(kind::unsubscribed);
  unsubscribe(*now_[role]);
  later(static_cast<std::int64_t>(below(20'000'000)), [this, role] {
    if (now_[role] != nullptr) return;
    books.seen(kind::resubscribed);
    subscribe(role);
  });
}

// The second bus, while it is busy. A close on the virtual clock waits for nothing that takes time: neither for room, nor for handlers
// that sleep.
void world::close_one() {
  const bool waits_for_room = buses_[0]->call("memory.health").find("degraded") != std::string::npos;
  for (const event_facts& e : books.events)
    if (waits_for_room || (e.bus == 1 && e.is == event_facts::open))
      return later(500'000, [this] { close_one(); });
  books.seen(kind::closed);
  books.tell("bus 1 closes");
  hurry(1);
  std::uint64_t lost = 0, perhaps = 0;
  for (event_facts& e : books.events) {
    if (e.bus != 1 || !e.is_delayed || e.is != event_facts::confirmed || e.due_ns < clock.now_ns()) continue;
    e.due_ns == clock.now_ns() ? ++perhaps : ++lost;
    e.is = e.due_ns == clock.now_ns() ? event_facts::unknown : event_facts::gone;
  }
  std::vector<member*> mine;
  for (member*& m : now_)
    if (m != nullptr && m->bus == 1) mine.push_back(std::exchange(m, nullptr));
  for (member& m : books.members)
    if (m.bus == 1) m.leaves = true;
  for (const member* m : mine)
    if (!books.groups[m->group].is_group) books.groups[m->group].is_lossy = true;
  see_what_struck();
  const std::unique_ptr<bus> closing = std::move(buses_[1]);
  reports_[1] = closing->close();
  for (member& m : books.members)
    if (m.bus == 1) m.is_gone = true;
  books.tell("bus 1 is closed");
  link_stalls(true);
  if (!reports_[1].clean) books.complain("the close in the middle was not clean");
  if (reports_[1].delayed < lost || reports_[1].delayed > lost + perhaps)
    books.complain("the close reports " + std::to_string(reports_[1].delayed) +
                   " delayed events, and there were " + std::to_string(lost));
  books.seen(kind::delay_lost, reports_[1].delayed);
  for (const member* m : mine)
    later(static_cast<std::int64_t>(below(10'000'000)), [this, role = m->role] {
      if (now_[role] == nullptr) subscribe(role);
    });
}

// A dead letter, any.
void world::send_back() {
  std::vector<std::pair<std::size_t, std::size_t>> dead;
  for (std::size_t g = 0; g < books.groups.size(); ++g)
    for (std::size_t e = 0; books.groups[g].is_group && e < books.groups[g].pages.size(); ++e) {
      const page& p = books.groups[g].pages[e];
      if (p.is == page::dead && !p.requeue_is_due) dead.emplace_back(g, e);
    }
  if (dead.empty() || buses_[0]->call("memory.health").find("degraded") != std::string::npos) return;
  const auto [g, e] = dead[below(dead.size())];
  const std::string id = books.events[e].id;
  const unsigned life = books.at(g, e).life;
  books.at(g, e).requeue_is_due = true;
  books.tell("send back " + id + " to '" + books.groups[g].name + "'");
  std::string answer;
  store_fails(false);  // what is published and then not erased would come twice
  try {
    answer =
        buses_[0]->call("dead.requeue", R"({"box":")" + books.groups[g].name + R"(","entry":")" + id + "\"}");
  } catch (const error& failed) {
    answer = failed.what();
    // There was room a moment ago; it goes on waiting for it, and is published.
    if (failed.code() == error::timed_out) {
      answer += "\"requeued\":1";
      store_may_fail_ = false;  // no more: it is erased when it is published, whenever that is
    } else if (failed.code() != error::bad_argument) books.complain("sending back " + id + ": " + answer);
  }
  store_fails(true);
  books.tell(answer);
  if (answer.find("\"requeued\":1") != std::string::npos) {
    books.seen(kind::requeued);
    ++books.groups[g].requeued;
    return;
  }
  books.at(g, e).requeue_is_due = false;
  if (books.at(g, e).life != life) books.complain(id + " came back, and the answer was " + answer);
}

void world::cancel_one() {
  std::vector<event_facts*> waiting;
  for (event_facts& e : books.events)
    if (e.is_delayed && e.is == event_facts::confirmed && e.due_ns > clock.now_ns()) waiting.push_back(&e);
  if (waiting.empty()) return;
  event_facts& e = *waiting[below(waiting.size())];
  if (buses_[e.bus]->cancel_delayed(e.id) != 1) return books.complain("delayed " + e.id + " is not there");
  e.is = event_facts::cancelled;
  books.seen(kind::delay_cancelled);
}

}  // namespace postbus::ledger
