// Subscriptions come and go.
#include "engine.hpp"
#include "waiter.hpp"

#include <postbus/sdk/topic.hpp>

#include <algorithm>
#include <set>

namespace postbus::detail {
namespace {

void refuse_what_is_not_built(const subscribe_options& o) {
  const std::pair<const char*, bool> later[] = {
      {"from", o.from.has_value()},         {"ordered_by", o.ordered_by.has_value()},
      {"overflow", o.overflow.has_value()}, {"dead_letters", o.dead_letters.has_value()},
      {"lease", o.lease.has_value()},       {"handler_timeout", o.handler_timeout.has_value()},
      {"park_max", o.park_max.has_value()}};
  for (const auto& [name, set] : later)
    if (set)
      throw error(error::unsupported, std::string("the subscribe option '") + name + "'", "it left unset",
                  "this version of postbus does not have it yet");
}

void check_options(std::string_view pattern, const subscribe_options& o, const transport_slot& transport) {
  if (const auto fault = sdk::check_pattern(pattern))
    throw error(error::bad_argument, sdk::describe(fault, pattern), "", "");
  refuse_what_is_not_built(o);
  const auto refuse = [&](error::errc code, const std::string& found, const std::string& wanted,
                          const std::string& remedy) {
    throw error(code, "subscribe to '" + std::string(pattern) + "' with " + found, wanted, remedy);
  };
  if (o.prefetch == 0 || o.prefetch == POSTBUS_CREDIT_UNLIMITED)
    refuse(error::bad_argument, "prefetch = 0", "1 or more", "");
  if (o.concurrency == 0) refuse(error::bad_argument, "concurrency = 0", "1 or more", "");
  if (o.max_deliveries == 0) refuse(error::bad_argument, "max_deliveries = 0", "1 or more", "");
  if (o.backoff.first.count() < 0 || o.backoff.max < o.backoff.first || !(o.backoff.factor >= 1))
    refuse(error::bad_argument, "a backoff that shrinks or is negative", "0 <= first <= max, factor >= 1",
           "");
  const std::string& id = transport.plugin->id();
  if (!o.group.empty() && (transport.can & POSTBUS_CAN_GROUP) == 0)
    refuse(error::unsupported, "group = '" + o.group + "'", "no group: the transport '" + id + "' has none",
           "leave it out, or use another transport");
  if (sdk::has_wildcard(pattern) && (transport.can & POSTBUS_CAN_PATTERN) == 0)
    refuse(error::unsupported, "a pattern", "a topic: the transport '" + id + "' has no patterns",
           "use another transport");
  if (transport.inline_dispatch && o.concurrency != 1)
    refuse(error::unsupported,
           "concurrency = " + std::to_string(o.concurrency) + " under transport.dispatch = \"inline\"",
           "it left at 1: inline handlers run on the threads that publish",
           "set transport.dispatch = \"queued\"");
  if ((transport.can & POSTBUS_CAN_CREDIT) == 0)
    refuse(error::unsupported, "the transport '" + id + "'", "one with flow control (capability 'credit')",
           "buffering for transports without it comes later");
}

}  // namespace

std::shared_ptr<subscription_state> engine::subscribe(std::string_view pattern,
                                                      const subscribe_options& options, handler h) {
  const std::lock_guard alive(lifecycle);
  if (state.load() != phase::running)
    throw error(error::closed, "subscribe to '" + std::string(pattern) + "'", "a bus that is not closed", "");
  check_options(pattern, options, transport);
  const bool runs_inline = transport.inline_dispatch && h.run != nullptr;
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
    subscriptions.push_back(s);
  }
  s->dispatches_inline = runs_inline;
  s->asks_features = !features.empty();
  postbus_sub request{};
  request.size = sizeof request;
  request.pattern = sdk::str(s->pattern);
  request.group = sdk::str(s->options.group);
  request.credit = runs_inline ? POSTBUS_CREDIT_UNLIMITED : options.prefetch;
  request.lease_ns = 60'000'000'000;
  waiter done;
  done.copy_result = [](waiter&, const void*) {};
  {
    const passage inside(threads.mine());
    const std::lock_guard control(transport.control);
    transport.table->subscribe(transport.self, &request, &s->sink, done.done());
  }
  const bool answered = done.wait(*rt);
  if (!answered || done.status() != POSTBUS_OK) {
    const std::lock_guard lock(mutex);
    std::erase(subscriptions, s);
    throw error(answered ? to_code(done.status()) : error::failed,
                "subscribe to '" + std::string(pattern) +
                    "': " + (answered ? done.message() : "the transport does not answer"),
                "", "");
  }
  s->transport_subscription = const_cast<void*>(done.result());
  s->connected();
  return s;
}

namespace {

// The way out of a subscription, one step after the other, each begun by the done of the one before.
struct farewell {
  std::shared_ptr<engine> owner;
  std::shared_ptr<subscription_state> s;

  static void quiesced(void* ctx, std::int32_t, const void*, const postbus_error*) {
    auto* self = static_cast<farewell*>(ctx);
    self->s->give_back_unstarted();
    self->s->when_empty([self] { self->leave(); });
  }
  void leave() {
    const passage inside(owner->threads.mine());
    const std::lock_guard control(owner->transport.control);
    owner->transport.table->unsubscribe(owner->transport.self, s->transport_subscription, {&left, this});
  }
  static void left(void* ctx, std::int32_t, const void*, const postbus_error*) {
    const std::unique_ptr<farewell> self(static_cast<farewell*>(ctx));
    self->owner->forget(self->s);
  }
};

}  // namespace

void engine::retire(const std::shared_ptr<subscription_state>& s,
                    boost::asio::any_completion_handler<void(error_code)> ended) {
  if (ended) s->when_gone(std::move(ended));
  if (s->closed.exchange(true)) return;
  thread_registry::heavy_fence();
  auto* way = new farewell{shared_from_this(), s};
  if (!POSTBUS_CAN(transport.table, quiesce)) return farewell::quiesced(way, POSTBUS_OK, nullptr, nullptr);
  const passage inside(threads.mine());
  const std::lock_guard control(transport.control);
  transport.table->quiesce(transport.self, s->transport_subscription, {&farewell::quiesced, way});
}

void engine::forget(const std::shared_ptr<subscription_state>& s) {
  const delivery_counts counts = s->counts();
  s->gone(counts);
  threads.inspect([&](thread_record& t) { t.tallies.clear(s->number); });
  {
    const std::lock_guard lock(mutex);
    std::erase(subscriptions, s);
    finished.emplace_back(s->number_in_order, close_report::entry{s->pattern, s->options.group, counts});
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
    if (!s->closed) patterns.insert(s->pattern);
  return {patterns.begin(), patterns.end()};
}

std::size_t engine::subscriber_count(std::string_view topic) const {
  const std::lock_guard lock(mutex);
  return static_cast<std::size_t>(
      std::count_if(subscriptions.begin(), subscriptions.end(),
                    [&](const auto& s) { return !s->closed && sdk::matches(s->pattern, topic); }));
}

}  // namespace postbus::detail
