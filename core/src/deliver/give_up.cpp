// Giving up: what is rejected, fails too often or cannot be decoded goes to the dead-letter box of its group, where there is a store.
#include "settlement_batch.hpp"
#include "subscription_state.hpp"
#include "text/json.hpp"

namespace postbus::detail {
namespace {

constexpr std::int64_t try_again_ns = 1'000'000'000;  // when the store did not take it

// One that is on its way into its box.
struct burial {
  std::shared_ptr<subscription_state> whose;
  item* what;
  event_record* letter;
  std::int64_t now_ns;
  std::string reason, error;

  ~burial() { letter->release(); }
};

}  // namespace

bool subscription_state::keeps_dead_letters() const noexcept {
  if (is_onlooker || options.dead_letters == dead_letter_policy::off) return false;
  return owner.dead.has_store() && (options.dead_letters || owner.store_is_named);
}

void subscription_state::give_up(item& i, std::string_view reason, const std::string& why, batch& done) {
  owner.log->burst(POSTBUS_LOG_ERROR, "bus", "dead " + pattern,
                   "event " + std::string(i.event != nullptr ? sdk::view(i.event->id) : "?") + " on '" +
                       std::string(i.event != nullptr ? sdk::view(i.event->topic) : i.topic) +
                       "' is given up by '" + pattern + "' after " + std::to_string(i.attempt) +
                       (i.attempt == 1 ? " delivery: " : " deliveries: ") + why);
  if (!keeps_dead_letters()) {
    counts_.dead.fetch_add(1, std::memory_order_relaxed);
    return finish(i, POSTBUS_ACK, done);
  }
  const std::int64_t now = owner.rt->wall_ns();
  if (i.event == nullptr) {  // what cannot be decoded is kept as it came
    postbus_event raw{};
    raw.size = sizeof raw;
    raw.topic = sdk::str(i.topic);
    raw.source = sdk::str(owner.source);
    raw.data = i.wire.bytes;
    i.event = new_event(raw, nullptr, *owner.rt);
  }
  event_record* letter = make_letter(
      *i.event, {reason, why, sdk::view(i.event->topic), options.group, i.attempt, i.first_ns, now},
      *owner.rt);
  bury(new burial{shared_from_this(), &i, letter, now, std::string(reason), why});
}

void subscription_state::bury(void* box) {
  auto* b = static_cast<burial*>(box);
  b->whose->owner.dead.keep(b->whose->box(), *b->letter, b->now_ns, [b](const sdk::store_answer& a) {
    std::unique_ptr<burial> mine(b);
    subscription_state& s = *mine->whose;
    item& i = *mine->what;
    if (a.ok()) {
      s.counts_.dead.fetch_add(1, std::memory_order_relaxed);
      s.owner.announce_dead(*mine->letter, s.box());
      batch done(s);
      return s.finish(i, POSTBUS_ACK, done);
    }
    s.owner.log->burst(POSTBUS_LOG_ERROR, "bus", "box " + s.pattern,
                       "the store does not take the dead letters of '" + s.pattern + "': " +
                           std::string(a.message()) + "; they wait here, and it is asked again every second");
    std::unique_lock lock(s.mutex_);
    if (s.closed.load(std::memory_order_acquire)) {
      lock.unlock();
      batch done(s);
      return s.give_back(i, done);
    }
    i.burial = mine.release();
    s.waiting_.add(i);
    i.timer = s.owner.rt->timer(try_again_ns, {&bury_again, &i});
  });
}

void subscription_state::bury_again(void* ctx, std::int32_t, const void*, const postbus_error*) {
  item& i = *static_cast<item*>(ctx);
  auto* b = static_cast<burial*>(std::exchange(i.burial, nullptr));
  const auto alive = b->whose;
  {
    const std::lock_guard lock(alive->mutex_);
    alive->waiting_.remove(i);
  }
  if (!alive->closed.load(std::memory_order_acquire)) {
    alive->owner.rt->post(&subscription_state::bury, b);
    return;
  }
  delete b;
  batch done(*alive);
  alive->give_back(i, done);
}

// Within this bus, past its transports.
void engine::announce_dead(const postbus_event& letter, std::string_view box) {
  static constexpr std::string_view topic = "postbus:dead";
  std::vector<std::shared_ptr<subscription_state>> listening;
  {
    const std::lock_guard lock(mutex);
    for (const auto& s : subscriptions)
      if (!s->closed && !s->is_onlooker && s->pattern == topic) listening.push_back(s);
  }
  if (listening.empty()) return;
  json::object what{{"box", box}, {"id", sdk::view(letter.id)}, {"source", sdk::view(letter.source)}};
  for (const postbus_pair& p : std::span{letter.headers, letter.header_count})
    if (sdk::view(p.name).starts_with("dead")) what[sdk::view(p.name).substr(4)] = sdk::view(p.value);
  const std::string data = json::serialize(what);
  postbus_event fields{};
  fields.size = sizeof fields;
  fields.topic = sdk::str(topic);
  fields.source = sdk::str(source);
  fields.content_type = sdk::str("application/json");
  fields.data = sdk::bytes(data);
  event_record* event = new_event(fields, nullptr, *rt);
  for (const auto& s : listening) s->deliver_own(*event);
  event->release();
}

void subscription_state::deliver_own(event_record& event) {
  count_in(1);
  postbus_delivery d{};
  d.event = &event;
  item* i = to_item(*attachments.front(), d);
  i->credited = false;
  const std::lock_guard lock(mutex_);
  enqueue(i, i, 1);
}

}  // namespace postbus::detail
