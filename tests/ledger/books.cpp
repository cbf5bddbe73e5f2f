#include "books.hpp"

#include <cstdio>

namespace postbus::ledger {

void books::tell(const std::string& what) {
  if (tells_) std::printf("%10.3f ms  %s\n", static_cast<double>(clock_.now_ns()) / 1e6, what.c_str());
}

void books::complain(const std::string& what) {
  tell("COMPLAINT: " + what);
  complaints.push_back("at " + std::to_string(clock_.now_ns()) + " ns: " + what);
}

event_facts& books::new_event(std::string_view topic, std::string key) {
  event_facts& e = events.emplace_back();
  e.id = "e" + std::to_string(events.size() - 1);
  e.topic = topic;
  e.key = key.empty() ? "u" + e.id : std::move(key);
  e.data = "the data of " + e.id;
  e.due_ns = clock_.now_ns();
  return e;
}

void books::answered(event_facts& e, error_code ec) {
  tell("publish " + e.id + " key " + e.key + ": " + (ec ? ec.message() : "ok"));
  if (ec == error::full) seen(kind::full);
  e.is = !ec                            ? event_facts::confirmed
         : ec == error::outcome_unknown ? event_facts::unknown
                                        : event_facts::refused;
  if (ec && ec != error::full && ec != error::would_block && ec != error::outcome_unknown)
    complain("publish of " + e.id + " says " + ec.message());
}

page& books::at(std::size_t group, std::size_t event) {
  auto& pages = groups[group].pages;
  if (pages.size() <= event) pages.resize(event + 1);
  return pages[event];
}

void books::look_at_the_time(page& p) {
  if (p.is != page::running) return;
  const std::int64_t limit = p.with->options.handler_timeout.count();
  if (limit == 0 || clock_.now_ns() - p.since_ns < limit) return;
  seen(kind::timed_out);
  ++p.with->retried;
  p.is = page::waiting;
  p.not_before_ns = 0;
  if (p.attempts < p.with->options.max_deliveries) return;
  p.is = page::dead;
  ++p.with->dead;
  seen(kind::given_up);
}

void books::check_lane(group_book& g, std::size_t event, const page& p) {
  auto& l = g.lanes[events[event].key];
  if (l.holder != SIZE_MAX && l.holder != event) {
    page& h = g.pages[l.holder];
    look_at_the_time(h);
    const bool holds =
        h.is == page::running || (h.is == page::waiting && (h.life > 0 || !is_expired(events[l.holder])));
    if (holds && !h.with->leaves)
      complain(events[event].id + " starts in '" + g.name + "' while " + events[l.holder].id +
               " holds their key");
  }
  l.holder = event;
  if (p.life > 0 || p.attempts > 1 || p.came_back || !events[event].keeps_order) return;
  if (event < l.last_first)
    complain(events[event].id + " is overtaken in '" + g.name + "' by e" + std::to_string(l.last_first) +
             " of its key " + events[event].key);
  l.last_first = std::max(l.last_first, event);
}

entry books::started(member& m, const delivery& d) {
  const std::size_t event = std::stoul(std::string(d.id().substr(1)));
  event_facts& e = events.at(event);
  group_book& g = groups[m.group];
  page& p = at(m.group, event);
  const std::int64_t now = clock_.now_ns();
  const std::string what = e.id + " in '" + g.name + "'";
  tell("start " + what + " by member " + std::to_string(m.number) + ", attempt " +
       std::to_string(d.attempt()));
  ++m.started;
  look_at_the_time(p);
  if (d.header("requeuedto")) {
    if (*d.header("requeuedto") != g.name) complain(what + " was sent back to another group");
    if (p.requeue_is_due) {
      if (p.is != page::dead) complain(what + " comes back before it died");
      p = page{.life = p.life + 1};
    }
  }
  if (may_be_back(p)) {  // and this attempt was for nothing
    seen(kind::letter_back);
    p.is = page::waiting;
    p.not_before_ns = 0;
    --p.attempts;
    p.came_back = true;
  }
  if (p.is == page::running) complain(what + " starts while it runs");
  if (p.is == page::acked) complain(what + " starts after its ack");
  if (p.is == page::dead) complain(what + " starts after it was given up");
  if (p.is == page::waiting && now < p.not_before_ns && !p.with->leaves)
    complain(what + " is retried too early");
  if (m.is_gone) complain(what + " starts after its subscription ended");
  if (e.is == event_facts::refused || e.is == event_facts::cancelled || e.is == event_facts::gone)
    complain(what + " comes, and was never published");
  if (now < e.due_ns) complain(what + " comes before it is due");
  if (p.life == 0 && is_expired(e)) complain(what + " starts after its ttl");
  if (d.attempt() != ++p.attempts)
    complain(what + " is attempt " + std::to_string(d.attempt()) + ", and its handlers started " +
             std::to_string(p.attempts) + " times");
  if (d.text() != e.data || d.topic() != e.topic || d.key() != e.key)
    complain(what + " is not what was published");
  if (g.is_ordered) check_lane(g, event, p);
  p.is = page::running;
  p.with = &m;
  p.since_ns = now;
  return {&m, event, p.life, p.attempts};
}

void books::ended(const entry& of, outcome how, std::int64_t after_ns, std::optional<bool> was_taken) {
  member& m = *of.whose;
  page& p = at(m.group, of.event);
  const std::string what = events[of.event].id + " in '" + groups[m.group].name + "'";
  tell("end " + what + " by member " + std::to_string(m.number) + ": " + std::to_string(how));
  const std::int64_t now = clock_.now_ns(), limit = m.options.handler_timeout.count();
  const bool is_this = p.is == page::running && p.life == of.life && p.attempts == of.attempt;
  const bool in_time = is_this && (limit == 0 || now - p.since_ns < limit);
  if (was_taken.value_or(in_time) != in_time && !(is_this && now - p.since_ns == limit))
    complain(what + (in_time ? ": an answer in time was not taken" : ": a late answer was taken"));
  if (!was_taken.value_or(in_time)) {
    seen(kind::late_answer);
    return look_at_the_time(p);
  }
  switch (how) {
    case acks:
      p.is = page::acked;
      ++m.acked;
      return;
    case retries:
      ++m.retried;
      if (p.attempts < m.options.max_deliveries) {
        p.is = page::waiting;
        p.not_before_ns = now + after_ns;
        return;
      }
      seen(kind::given_up);
      [[fallthrough]];
    case rejects:
      p.is = page::dead;
      ++m.dead;
  }
}

}  // namespace postbus::ledger
