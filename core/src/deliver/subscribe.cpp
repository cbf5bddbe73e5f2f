// Subscriptions come and go.
#include "engine/engine.hpp"
#include "engine/waiter.hpp"

#include <postbus/sdk/names.hpp>
#include <postbus/sdk/topic.hpp>

#include <algorithm>
#include <set>

namespace postbus::detail {
namespace {

void check_options(std::string_view pattern, const subscribe_options& o) {
  if (const auto fault = sdk::check_pattern(pattern))
    throw error(error::bad_argument, sdk::describe(fault, pattern), "", "");
  const auto refuse = [&](const std::string& found, const std::string& wanted) {
    throw error(error::bad_argument, "subscribe to '" + std::string(pattern) + "' with " + found, wanted, "");
  };
  if (o.prefetch == 0 || o.prefetch == POSTBUS_CREDIT_UNLIMITED) refuse("prefetch = 0", "1 or more");
  if (o.concurrency == 0) refuse("concurrency = 0", "1 or more");
  if (o.max_deliveries == 0) refuse("max_deliveries = 0", "1 or more");
  if (o.backoff.first.count() < 0 || o.backoff.max < o.backoff.first || !(o.backoff.factor >= 1))
    refuse("a backoff that shrinks or is negative", "0 <= first <= max, factor >= 1");
  if (o.from.what == start_point::position && o.from.behind.empty())
    refuse("an empty position to begin behind", "one that a receipt or a delivery named");
  if (o.handler_timeout.count() < 0) refuse("a negative handler_timeout", "0 (none) or more");
  if (o.lease < leases::shortest) refuse("a lease of less than a second", "1 s or more");
  if (o.overflow_max.events == 0 || o.overflow_max.bytes == 0) refuse("overflow_max = 0", "1 or more");
  if (!o.ordered_by.empty())
    check_captures(parse_key_expression(o.ordered_by, error::bad_argument, "ordered_by"), pattern,
                   error::bad_argument, "ordered_by");
}

// Each transport it goes to has to be able to do what it asks for.
void check_options(std::string_view pattern, const subscribe_options& o, const transport_slot& to,
                   subscriber who) {
  const std::string the_transport = "the transport '" + to.plugin->id() + "' of [" + to.path + "]";
  const auto refuse = [&](const std::string& found, const std::string& wanted, const std::string& remedy) {
    throw error(error::unsupported, "subscribe to '" + std::string(pattern) + "' with " + found, wanted,
                remedy);
  };
  if (!o.group.empty() && (to.can & POSTBUS_CAN_GROUP) == 0)
    refuse("group = '" + o.group + "'", "no group: " + the_transport + " has none",
           "leave it out, or use another transport");
  if (sdk::has_wildcard(pattern) && (to.can & POSTBUS_CAN_PATTERN) == 0)
    refuse("a pattern", "a topic: " + the_transport + " has no patterns", "use another transport");
  if (to.inline_dispatch && who == subscriber::application) {
    const std::string under = " under " + to.path + ".dispatch = \"inline\"",
                      remedy = "set " + to.path + ".dispatch = \"queued\"";
    if (o.concurrency != 1)
      refuse("concurrency = " + std::to_string(o.concurrency) + under,
             "it left at 1: inline handlers run on the threads that publish", remedy);
    if (!o.ordered_by.empty())
      refuse("ordered_by" + under, "no order by key: inline handlers run on the threads that publish",
             remedy);
    if (o.handler_timeout.count() > 0)
      refuse("handler_timeout" + under, "no such limit: an inline handler holds its publisher", remedy);
    if ((to.can & POSTBUS_CAN_LEASE) != 0)
      refuse("a handler" + under, "queued ones: " + the_transport + " wants its leases renewed", remedy);
  }
  if (o.from.what != start_point::new_events && (to.can & POSTBUS_CAN_REPLAY) == 0)
    refuse("from", "only new events: " + the_transport + " does not remember",
           "leave it out, or use another transport");
  if (o.overflow && (to.can & POSTBUS_CAN_CREDIT) != 0)
    refuse("overflow", "none: " + the_transport + " has flow control, and is never sent too much",
           "leave it out");
  if (!o.ordered_by.empty() && !o.group.empty() && to.plugin->manifest().shared &&
      (to.can & POSTBUS_CAN_PARTITION) == 0)
    refuse("ordered_by and group = '" + o.group + "'",
           "no order by key within a group: " + the_transport +
               " has no partitions, and other processes may take from it",
           "leave one of them out, or use a transport with partitions");
  if (!o.ordered_by.empty() && to.format.codec == codec::raw &&
      parse_key_expression(o.ordered_by, error::bad_argument, "ordered_by").needs_attributes())
    refuse("ordered_by = '" + o.ordered_by + "'",
           "a key of the topic's captures or of the data: the codec of " + the_transport +
               " is raw, and carries no attributes",
           "order by param:NAME, hash or json:/POINTER, or use another codec");
}

// Whether the handler runs on the thread that delivers. An onlooker's only takes the event along: there it costs the least, and waits
// for no worker.
bool dispatches_inline(const subscription_state& s, const transport_slot& to, subscriber who) {
  switch (who) {
    case subscriber::application:
      return to.inline_dispatch && !s.runs_coroutines();
    case subscriber::onlooker:
      return to.answers_at_once;
    case subscriber::client:
    case subscriber::bound:
    case subscriber::replies:
      break;
  }
  return false;
}

}  // namespace

std::shared_ptr<subscription_state> engine::subscribe(std::string_view pattern,
                                                      const subscribe_options& options, handler h,
                                                      subscriber who) {
  const std::lock_guard alive(lifecycle);
  if (state.load() != phase::running)
    throw error(error::closed, "subscribe to '" + std::string(pattern) + "'", "a bus that is not closed", "");
  check_options(pattern, options);
  if (options.dead_letters == dead_letter_policy::keep && !dead.has_store())
    throw error(error::unsupported, "subscribe to '" + std::string(pattern) + "' with dead_letters = keep",
                "a store to keep them in", "set store.plugin = \"memory-store\", or leave it out");
  const std::vector<transport_slot*> where = transports_of(pattern, options);
  for (const transport_slot* to : where) check_options(pattern, options, *to, who);
  std::shared_ptr<subscription_state> s;
  {
    const std::lock_guard lock(mutex);
    std::uint32_t number = 0;
    if (!free_numbers_.empty()) {
      number = free_numbers_.back();
      free_numbers_.pop_back();
    } else {
      number = next_number_++;
    }
    if (number >= tally_sheet::numbers_max)
      throw error(error::full, "one more subscription",
                  "at most " + std::to_string(tally_sheet::numbers_max) + " at once", "");
    s = std::make_shared<subscription_state>(*this, std::string(pattern), options, std::move(h), number,
                                             ++subscribed_);
    for (transport_slot* to : where)
      s->attachments.push_back(std::make_unique<attachment>(*s, *to, dispatches_inline(*s, *to, who)));
    s->takes_replies = who == subscriber::replies;
    s->is_onlooker = who == subscriber::onlooker || who == subscriber::bound || s->takes_replies;
    s->asks_features = !s->is_onlooker && !features.empty();
    subscriptions.push_back(s);
  }
  for (const auto& a : s->attachments) {
    try {
      attach(*a);
    } catch (...) {
      retire(s, {});  // from those it is attached to
      throw;
    }
  }
  return s;
}

// Over which a topic of the pattern may come.
std::vector<transport_slot*> engine::transports_of(std::string_view pattern,
                                                   const subscribe_options& o) const {
  std::vector<transport_slot*> found;
  if (o.transport.empty()) {
    for (const std::size_t i : routes.reach(pattern)) found.push_back(transports[i].get());
    return found;
  }
  std::vector<std::string> names;
  for (const auto& t : transports) {
    if (t->name == o.transport) return {t.get()};
    names.push_back(t->name);
  }
  throw error(error::bad_argument,
              "subscribe to '" + std::string(pattern) + "' with transport = '" + o.transport + "'",
              "one of " + sdk::list_of(names),
              sdk::did_you_mean(o.transport, names, "add it to the configuration"));
}

void engine::attach(attachment& a) {
  const subscription_state& s = a.subscription;
  postbus_sub request{};
  request.size = sizeof request;
  request.pattern = sdk::str(s.pattern);
  request.group = sdk::str(s.options.group);
  request.credit = a.dispatches_inline || !a.has_flow_control ? POSTBUS_CREDIT_UNLIMITED : s.options.prefetch;
  static constexpr std::uint32_t from[] = {POSTBUS_FROM_NEW, POSTBUS_FROM_START, POSTBUS_FROM_POSITION,
                                           POSTBUS_FROM_TIME};
  request.from = from[s.options.from.what];
  request.position = sdk::str(s.options.from.behind);
  request.from_ns = std::chrono::nanoseconds(s.options.from.since.time_since_epoch()).count();
  request.lease_ns = s.options.lease.count();
  request.flags = s.options.ordered_by.empty() ? 0 : std::uint32_t{POSTBUS_SUB_ORDERED};
  waiter done;
  done.copy_result = [](waiter&, const void*) {};
  {
    const passage inside(threads.mine());
    const std::lock_guard control(a.to.control);
    a.to.table->subscribe(a.to.self, &request, &a.sink, done.done());
  }
  const bool answered = done.wait(*rt);
  if (!answered || done.status() != POSTBUS_OK)
    throw error(answered ? to_code(done.status()) : error::failed,
                "subscribe to '" + s.pattern + "' on [" + a.to.path +
                    "]: " + (answered ? done.message() : "the transport does not answer"),
                "", "");
  a.handle = const_cast<void*>(done.result());
  a.subscription.connected(a);
}

namespace {

// The way out of a subscription, one step after the other, each begun by the done of the one before: on every transport nothing more
// comes, what is here is settled, every transport lets go.
struct farewell {
  std::shared_ptr<engine> owner;
  std::shared_ptr<subscription_state> s;
  std::size_t quiet = 0, gone = 0;  // attachments that are

  // The next attachment that got as far as being attached; nullptr when there is none.
  attachment* next(std::size_t& at) const {
    while (at < s->attachments.size() && !s->attachments[at]->is_connected.load(std::memory_order_acquire))
      ++at;
    return at < s->attachments.size() ? s->attachments[at++].get() : nullptr;
  }
  void quiesce() {
    while (attachment* a = next(quiet)) {
      if (!POSTBUS_CAN(a->to.table, quiesce)) continue;
      const passage inside(owner->threads.mine());
      const std::lock_guard control(a->to.control);
      return a->to.table->quiesce(a->to.self, a->handle, {&quiesced, this});
    }
    s->give_back_unstarted();
    s->when_empty([this] { leave(); });
  }
  static void quiesced(void* ctx, std::int32_t, const void*, const postbus_error*) {
    static_cast<farewell*>(ctx)->quiesce();
  }
  void leave() {
    if (attachment* a = next(gone)) {
      const passage inside(owner->threads.mine());
      const std::lock_guard control(a->to.control);
      return a->to.table->unsubscribe(a->to.self, a->handle, {&left, this});
    }
    const std::unique_ptr<farewell> self(this);
    owner->forget(s);
  }
  static void left(void* ctx, std::int32_t, const void*, const postbus_error*) {
    static_cast<farewell*>(ctx)->leave();
  }
};

}  // namespace

void engine::retire(const std::shared_ptr<subscription_state>& s,
                    boost::asio::any_completion_handler<void(error_code)> ended) {
  if (ended) s->when_gone(std::move(ended));
  if (s->closed.exchange(true)) return;
  thread_registry::heavy_fence();
  (new farewell{shared_from_this(), s})->quiesce();
}

void engine::forget(const std::shared_ptr<subscription_state>& s) {
  const delivery_counts counts = s->counts();
  s->gone(counts);
  threads.inspect([&](thread_record& t) { t.tallies.clear(s->number); });
  {
    const std::lock_guard lock(mutex);
    std::erase(subscriptions, s);
    if (!s->is_onlooker) {
      count_gone(*s, counts);
      finished.emplace_back(s->number_in_order, close_report::entry{s->pattern, s->options.group, counts});
      if (finished.size() > close_report::ended_max) {
        add_up(finished_earlier, finished.front().second.counts);
        finished.pop_front();
      }
    }
    free_numbers_.push_back(s->number);
  }
  something_ended();
}

void engine::wait_for_handlers(const subscription_state& s) {
  if (in_handler() || state.load() == phase::closed) return;  // what still runs then was abandoned by close()
  threads.wait_for_all([&](const thread_record& thread) {
    for (const delivery_state* d = thread.running.load(std::memory_order_acquire); d != nullptr; d = d->outer)
      if (d->subscription == &s) return false;
    return true;
  });
}

std::vector<std::string> engine::topics() const {
  const std::lock_guard lock(mutex);
  std::set<std::string> patterns;
  for (const auto& s : subscriptions)
    if (!s->closed && !s->is_onlooker) patterns.insert(s->pattern);
  return {patterns.begin(), patterns.end()};
}

std::vector<engine::subscribed> engine::subscribed_patterns() const {
  std::vector<std::shared_ptr<subscription_state>> all;
  {
    const std::lock_guard lock(mutex);
    all = subscriptions;
  }
  std::map<std::pair<std::string_view, std::string_view>, subscribed> found;
  for (const auto& s : all) {
    if (s->closed || s->is_onlooker) continue;
    subscribed& line = found[{s->pattern, s->options.group}];
    line.pattern = s->pattern;
    line.group = s->options.group;
    ++line.subscribers;
    line.open += s->open();
    add_up(line.counts, s->counts());
  }
  std::vector<subscribed> list;
  for (auto& [key, line] : found) list.push_back(std::move(line));
  return list;
}

bool engine::has_pattern(std::string_view pattern) const {
  const std::lock_guard lock(mutex);
  return std::any_of(subscriptions.begin(), subscriptions.end(),
                     [&](const auto& s) { return !s->closed && !s->is_onlooker && s->pattern == pattern; });
}

std::size_t engine::subscriber_count(std::string_view topic) const {
  const std::lock_guard lock(mutex);
  return static_cast<std::size_t>(std::count_if(
      subscriptions.begin(), subscriptions.end(),
      [&](const auto& s) { return !s->closed && !s->is_onlooker && sdk::matches(s->pattern, topic); }));
}

}  // namespace postbus::detail
