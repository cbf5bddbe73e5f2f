// What the books say at the end of a run, against what the buses say.
#include "support/bus.hpp"
#include "world.hpp"

namespace postbus::ledger {
namespace {

std::int64_t number_after(const std::string& text, const std::string& word) {
  const std::size_t at = text.find(word);
  return at == std::string::npos ? 0 : std::stoll(text.substr(at + word.size()));
}

}  // namespace

std::int64_t world::queued() { return number_after(buses_[0]->call("memory.health"), "\"queued_events\":"); }

// Of a bus that is about to close, or has seen all there is.
void world::see_what_struck() {
  bus& b = *buses_[buses_[1] != nullptr];
  if (link_may_stall_)
    books.seen(kind::link_stalled,
               static_cast<std::uint64_t>(number_after(b.call("faults.stats"), "\"stall\":")));
  if (store_may_fail_)
    books.seen(kind::store_failed,
               static_cast<std::uint64_t>(number_after(b.call("faults-store.stats"), "\"fail\":")));
}

// Every event reached an end in every group, or is still queued where nobody is there to take it.
void world::audit_groups(std::int64_t queued) {
  for (const event_facts& e : books.events)
    if (e.is == event_facts::open) books.complain("the publish of " + e.id + " has no answer");
  std::uint64_t sent_back = 0;
  for (const group_book& g : books.groups) sent_back += g.requeued;
  for (std::size_t k = 0; k < books.groups.size(); ++k) {
    group_book& g = books.groups[k];
    if (!g.is_group && g.is_lossy) continue;
    bool has_member = false;
    std::uint64_t expired = 0, counted_expired = 0, dropped = 0;
    for (const member& m : books.members) {
      if (m.group != k) continue;
      has_member = has_member || !m.is_gone;
      counted_expired += m.handle.counts().expired;
      dropped += m.handle.counts().dropped;
    }
    std::int64_t left = 0;
    std::uint64_t perhaps =
        0;  // of those whose publish was answered too late to say, so many may be here, too
    for (std::size_t n = g.first_event; n < books.events.size(); ++n) {
      const event_facts& e = books.events[n];
      page& p = books.at(k, n);
      books.look_at_the_time(p);
      if (p.is == page::running) books.complain(e.id + " runs in '" + g.name + "' for ever");
      const bool is_open = p.is == page::none || p.is == page::waiting || p.requeue_is_due;
      perhaps += (e.is == event_facts::unknown && is_open) || (!has_member && books.may_be_back(p));
      if (e.is != event_facts::confirmed || !is_open) continue;
      if (p.life == 0 && !p.requeue_is_due && books.is_expired(e) && has_member) ++expired;
      else if (!has_member) ++left;
      else
        books.complain(e.id + " is lost in '" + g.name + "' after " + std::to_string(p.attempts) +
                       " attempts");
    }
    if (has_member) {
      // One that came later may also have been sent what was published, delayed or waiting for room, before it came.
      const bool may_be_more = g.first_event > 0 || counted_expired <= expired + perhaps;
      if (expired != counted_expired && !(may_be_more && expired < counted_expired))
        books.complain("'" + g.name + "' counts " + std::to_string(counted_expired) + " expired events; " +
                       std::to_string(expired) + " are missing");
      books.seen(kind::expired, expired);
      if (g.is_group && dropped != sent_back - g.requeued)
        books.complain("'" + g.name + "' passed over " + std::to_string(dropped) +
                       " events of other groups, not " + std::to_string(sent_back - g.requeued));
      continue;
    }
    // What it looked at and found expired before its last member left is gone; what is for others is still there.
    left += static_cast<std::int64_t>(sent_back - g.requeued - dropped) -
            static_cast<std::int64_t>(counted_expired);
    if (queued < left || queued > left + static_cast<std::int64_t>(perhaps))
      books.complain("'" + g.name + "' queues " + std::to_string(queued) + " events, not " +
                     std::to_string(left));
    books.seen(kind::still_queued, static_cast<std::uint64_t>(left));
    queued = 0;
  }
  if (queued != 0) books.complain(std::to_string(queued) + " events are queued for groups that have members");
}

void world::audit_boxes() {
  const std::string boxes = buses_[0]->call("dead.boxes");
  for (const group_book& g : books.groups) {
    if (!g.is_group) continue;
    std::int64_t dead = 0, perhaps_back = 0;
    for (const page& p : g.pages) {
      dead += p.is == page::dead && !p.requeue_is_due;
      perhaps_back += books.may_be_back(p);
    }
    const std::int64_t kept = number_after(boxes, "\"box\":\"" + g.name + "\",\"events\":");
    if (kept > dead || kept < dead - perhaps_back)
      books.complain("the box of '" + g.name + "' has " + std::to_string(kept) + " letters, not " +
                     std::to_string(dead));
  }
}

void world::audit_counts() {
  for (const member& m : books.members) {
    const delivery_counts c = m.handle.counts();
    const auto compare = [&](const char* what, std::uint64_t counted, std::uint64_t expected) {
      if (counted != expected)
        books.complain("member " + std::to_string(m.number) + " of '" + books.groups[m.group].name +
                       "' counts " + std::to_string(counted) + " " + what + ", not " +
                       std::to_string(expected));
    };
    compare("started", c.started, m.started);
    compare("acked", c.acked, m.acked);
    compare("retried", c.retried, m.retried);
    // A letter that the store had not taken when its member left is given back, not dead.
    if (!books.store_may_fail || c.dead > m.dead) compare("dead", c.dead, m.dead);
    compare("taken on", c.taken_on, tests::sum(c));
    compare("abandoned", c.abandoned, 0);
    books.seen(kind::given_back, c.given_back);
  }
}

void world::audit_report(unsigned bus, const close_report& report) {
  std::uint64_t taken_on = 0;
  for (const member& m : books.members)
    if (m.bus == bus) taken_on += m.handle.counts().taken_on;
  if (report.total().taken_on != taken_on || taken_on != tests::sum(report.total()))
    books.complain("the report of bus " + std::to_string(bus) + " does not add up");
  if (!report.clean) books.complain("the close of bus " + std::to_string(bus) + " was not clean");
}

}  // namespace postbus::ledger
