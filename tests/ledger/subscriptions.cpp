// The subscriptions of a run, and what their handlers do.
#include "world.hpp"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace postbus::ledger {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t limit_ns = 8'000'000;  // of the handlers that have one

struct role_facts {
  const char *pattern, *group;
  bool is_ordered, is_coroutine;
  enum limited { no, yes, sometimes } has_limit;
};
constexpr role_facts facts[] = {{"jobs:**", "workers", false, false, role_facts::no},
                                {"jobs:**", "workers", false, true, role_facts::no},
                                {"jobs:**", "workers", false, false, role_facts::no},
                                {"jobs:**", "workers", false, true, role_facts::no},
                                {"jobs:{kind}", "ordered", true, false, role_facts::sometimes},
                                {"jobs:*", "timed", false, false, role_facts::yes},
                                {"jobs:*", "timed", false, true, role_facts::yes},
                                {"jobs:*", "timed", false, false, role_facts::yes},
                                {"jobs:**", "", true, false, role_facts::sometimes},
                                {"jobs:*", "", false, true, role_facts::no}};

enum answer_kind : unsigned { by_ack, by_retry, by_retry_after, by_reject, by_dropping };

}  // namespace

// ---- coming and going

void world::subscribe(unsigned role) {
  const role_facts& f = facts[role];
  member& m = books.members.emplace_back();
  m.role = role;
  m.number = static_cast<unsigned>(books.members.size() - 1);
  m.bus = any_open();
  const auto is_mine = [&](const group_book& g) { return g.is_group && g.name == f.group; };
  const auto known = std::find_if(books.groups.begin(), books.groups.end(), is_mine);
  m.group = static_cast<std::size_t>(known - books.groups.begin());
  if (known == books.groups.end()) {
    group_book& g = books.groups.emplace_back();
    g.is_group = *f.group != '\0';
    g.name = g.is_group ? f.group : f.pattern;
    g.is_ordered = f.is_ordered;
    g.first_event = books.events.size();
  }
  subscribe_options& o = m.options;
  o.group = f.group;
  if (f.is_ordered) o.ordered_by = "partitionkey";
  o.concurrency = 1 + static_cast<unsigned>(below(4));
  constexpr unsigned prefetches[] = {1, 4, 16, 64};
  o.prefetch = prefetches[below(4)];
  if (one_in(4)) o.park_max = {1 + below(5), 1'000};
  o.max_deliveries = 3 + static_cast<unsigned>(below(4));
  o.backoff = {std::chrono::milliseconds(1 + below(10)), 2, 100ms};
  if (f.has_limit == role_facts::yes || (f.has_limit == role_facts::sometimes && one_in(2)))
    o.handler_timeout = std::chrono::nanoseconds(limit_ns);
  now_[role] = &m;
  bus& b = *buses_[m.bus];
  if (f.is_coroutine)
    m.handle = b.subscribe(
        f.pattern, [this, &m](delivery d) { return handle_slowly(m, std::move(d)); }, o);
  else
    m.handle = b.subscribe(
        f.pattern, [this, &m](const delivery& d) { handle(m, d); }, o);
  books.tell("member " + std::to_string(m.number) + " subscribes to '" + books.groups[m.group].name +
             "' on bus " + std::to_string(m.bus));
}

void world::unsubscribe(member& m) {
  books.tell("member " + std::to_string(m.number) + " unsubscribes");
  m.leaves = true;
  now_[m.role] = nullptr;
  if (!books.groups[m.group].is_group) books.groups[m.group].is_lossy = true;
  m.handle.unsubscribe();
  m.is_gone = true;
}

// ---- handlers

void world::handle(member& m, const delivery& d) {
  const entry of = books.started(m, d);
  act(m, of, d);
}

struct world::pause {
  world& owner;
  unsigned bus;
  std::uint64_t number;
  sdk::timer_queue::id timer = 0;
  std::function<void()> wake{};
};

boost::asio::awaitable<void> world::later(member& m, std::int64_t ns) {
  return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void()>(
      [this, &m, ns](auto handler) {
        auto* s = new pause{*this, m.bus, ++numbers_};
        s->wake = [h = std::make_shared<decltype(handler)>(std::move(handler))] {
          const auto where = boost::asio::get_associated_executor(*h);
          boost::asio::post(where, std::move(*h));
        };
        pauses_[s->number] = s;
        s->timer = clock.timer(ns, {[](void* ctx, std::int32_t, const void*, const postbus_error*) {
                                      const std::unique_ptr<pause> mine(static_cast<pause*>(ctx));
                                      mine->owner.pauses_.erase(mine->number);
                                      mine->wake();
                                    },
                                    s});
      },
      boost::asio::use_awaitable);
}

boost::asio::awaitable<void> world::handle_slowly(member& m, delivery d) {
  const entry of = books.started(m, d);
  // Never as long as the limit: which of the two came first would be anybody's guess.
  const auto ns = static_cast<std::int64_t>(below(one_in(8) ? 12'000'000 : 1'000'000));
  if (one_in(3)) co_await later(m, ns == limit_ns ? ns + 1 : ns);
  act(m, of, d);
}

void world::act(member& m, const entry& of, const delivery& d) {
  if (one_in(40)) publish_along(d);
  if (one_in(3'000) && !m.leaves && plans_ > 0) {
    books.seen(kind::unsubscribed_inside);
    unsubscribe(m);
    later(1'000'000, [this, role = m.role] {
      if (now_[role] == nullptr) subscribe(role);
    });
  }
  // What is taken along while its bus closes, nobody would answer in time.
  switch (below(buses_[m.bus] == nullptr ? 4 : 24)) {
    case 0:
      books.seen(kind::retry);
      books.ended(of, books::retries);
      throw retry{};
    case 1: {
      books.seen(kind::retry_after);
      const auto after = static_cast<std::int64_t>(below(10'000'000));
      books.ended(of, books::retries, after);
      throw retry{std::chrono::nanoseconds(after)};
    }
    case 2:
      books.seen(kind::exception);
      books.ended(of, books::retries);
      if (one_in(2)) throw 7;
      throw std::runtime_error("no");
    case 3:
      books.seen(kind::reject);
      books.ended(of, books::rejects);
      throw reject{"never"};
    case 4:
    case 5:
    case 6:
      return take_along(of, d);
    default:
      books.seen(kind::ack);
      return books.ended(of, books::acks);
  }
}

void world::take_along(const entry& of, const delivery& d) {
  const std::uint64_t number = ++numbers_;
  deferred_[number] = {of, d.defer(), static_cast<unsigned>(below(5)), one_in(8)};
  const auto ns = static_cast<std::int64_t>(below(one_in(8) ? 12'000'000 : 2'000'000));
  later(ns == limit_ns ? ns + 1 : ns, [this, number] { answer(number); });
  if (one_in(4)) throw std::runtime_error("says nothing: the answer was taken along");
}

void world::answer(std::uint64_t number) {
  const auto found = deferred_.find(number);
  if (found == deferred_.end()) return;  // hurried
  deferred what = std::move(found->second);
  deferred_.erase(found);
  error_code ec;
  books::outcome how = books::retries;
  std::int64_t after = 0;
  if (std::string(what.answer.event().id()) != books.events[what.of.event].id)
    books.complain("a settlement has another event than its delivery");
  if (what.how == by_ack) {
    books.seen(kind::defer_ack);
    how = books::acks;
    what.answer.ack(ec);
  } else if (what.how == by_retry) {
    books.seen(kind::defer_retry);
    what.answer.retry({}, ec);
  } else if (what.how == by_retry_after) {
    books.seen(kind::defer_retry_after);
    after = static_cast<std::int64_t>(below(10'000'000));
    what.answer.retry(std::chrono::nanoseconds(after), ec);
  } else if (what.how == by_reject) {
    books.seen(kind::defer_reject);
    how = books::rejects;
    what.answer.reject("never", ec);
  } else {
    books.seen(kind::defer_dropped);
    what.answer = {};
    return books.ended(what.of, how);
  }
  if (ec && ec != error::lease_lost) books.complain("an answer is refused: " + ec.message());
  if (what.is_twice) {
    books.seen(kind::second_answer);
    error_code second;
    what.answer.ack(second);
    if (second != (ec ? error::lease_lost : error::already_settled))
      books.complain("a second answer says " + second.message());
  }
  books.ended(what.of, how, after, !ec);
}

void world::publish_along(const delivery& d) {
  if (d.header("causationid")) return;
  books.seen(kind::follow_up);
  event_facts& e = books.new_event("jobs:more", "");
  publish_options o;
  o.id = e.id;
  o.key = e.key;
  o.deadline = 0s;
  error_code ec;
  d.publish(e.topic, e.data, o, ec);
  books.answered(e, ec);
}

// Ends what close() would wait for.
void world::hurry(unsigned bus) {
  std::vector<std::uint64_t> answers;
  std::vector<sdk::timer_queue::id> timers;
  for (auto& [number, what] : deferred_)
    if (what.of.whose->bus == bus) {
      answers.push_back(number);
      if (what.how == by_dropping)
        what.how = by_ack;  // where both fall on one moment, the answer says who was first
    }
  for (const auto& [number, s] : pauses_)
    if (s->bus == bus) timers.push_back(s->timer);
  for (const std::uint64_t number : answers) answer(number);
  for (const auto timer : timers) clock.cancel(timer);
}

}  // namespace postbus::ledger
