// The publishers of a run: tasks that publish some events and come again a little later.
#include "world.hpp"

namespace postbus::ledger {
namespace {

using namespace std::chrono_literals;

constexpr std::array topics{"jobs:tea", "jobs:coffee", "jobs:cake", "jobs:scone", "jobs:jam"};

}  // namespace

void world::publish_some(unsigned left) {
  std::uint64_t burst = one_in(40) ? 100 : 1 + below(8);
  for (; left > 0 && burst > 0; --burst, --left) publish_one(left);
  if (left > 0) later(static_cast<std::int64_t>(below(5'000'000)), [this, left] { publish_some(left); });
}

publish_options world::options_for(event_facts& e) {
  publish_options o;
  o.id = e.id;
  o.key = e.key;
  o.deadline = 0s;
  // What is over while its letter waits for the store is neither here nor there.
  if (!books.store_may_fail && one_in(12)) {
    books.seen(kind::ttl);
    const auto ttl = static_cast<std::int64_t>(1 + below(40'000'000));
    e.expires_ns = clock.now_ns() + ttl;
    o.ttl = std::chrono::nanoseconds(ttl);
  }
  return o;
}

void world::publish_one(unsigned left, bool at_once) {
  const std::uint64_t way = at_once ? 99 : below(100);
  if (way < 5 && left >= 3) return publish_batch();
  const bool is_plain = way >= 20;
  const std::string key = is_plain && !one_in(3) ? "k" + std::to_string(below(20)) : "";
  event_facts& e = books.new_event(topics[below(topics.size())], key);
  publish_options o = options_for(e);
  e.bus = any_open();
  bus& b = *buses_[e.bus];
  error_code ec;
  if (is_plain) {
    e.keeps_order = true;
    b.publish(e.topic, e.data, o, ec);
  } else if (way < 12) {
    books.seen(kind::async);
    o.deadline = std::chrono::microseconds(below(20'000));
    b.async_publish(e.topic, e.data, o,
                    [this, &e](error_code failed, const receipt&) { books.answered(e, failed); });
    return;
  } else {
    books.seen(kind::delayed);
    const auto delay = static_cast<std::int64_t>(1 + below(60'000'000));
    e.is_delayed = true;
    e.due_ns = clock.now_ns() + delay;
    o.delay = std::chrono::nanoseconds(delay);
    b.publish(e.topic, e.data, o, ec);
  }
  books.answered(e, ec);
}

void world::publish_batch() {
  books.seen(kind::batch);
  std::array<event_facts*, 3> events{};
  std::array<message, 3> batch;
  const unsigned b = any_open();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    events[i] = &books.new_event(topics[below(topics.size())], "k" + std::to_string(below(20)));
    events[i]->keeps_order = true;
    events[i]->bus = b;
    batch[i] = {events[i]->topic, events[i]->data, options_for(*events[i])};
  }
  const auto results = buses_[b]->publish(batch);
  for (std::size_t i = 0; i < batch.size(); ++i) books.answered(*events[i], results[i].ec);
}

}  // namespace postbus::ledger
