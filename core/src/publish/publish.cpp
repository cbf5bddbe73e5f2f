// The way down, on the caller's thread: check, ask the features, hand over to the transport, wait for its answer.
#include "engine/engine.hpp"
#include "engine/waiter.hpp"
#include "event/attribute.hpp"
#include "receipt_access.hpp"

#include <postbus/sdk/topic.hpp>

#include <algorithm>

namespace postbus::detail {
namespace {

constexpr std::size_t headers_max = 64;
constexpr std::size_t header_name_max = 20;

bool is_header_name(std::string_view name) noexcept {
  return name.size() <= header_name_max && is_header_name_on_wire(name) && name != requeuedto_header;
}

// Whether nothing is asked for that the wire of raw cannot say.
bool fits_raw(const engine::publish_request& r, const transport_slot& to) noexcept {
  const publish_options& o = *r.options;
  return o.id.empty() && o.key.empty() && o.headers.empty() && !o.ttl &&
         (o.content_type.empty() || o.content_type == to.format.content_type);
}

std::uint64_t ticket_of(const delivery_state* d) noexcept {
  return d != nullptr && d->is_item ? static_cast<const item*>(d)->marks.ticket : 0;
}

// Or the end of time.
std::int64_t after(std::int64_t ns, std::chrono::nanoseconds more) noexcept {
  return more.count() > INT64_MAX - ns ? INT64_MAX : ns + more.count();
}

// The transport's answer for some events: it comes before its publish() returns, so nothing has to wait for it.
struct answers {
  std::span<const engine::answer_to> results;
  std::string* message;
  bool all_well = false;

  postbus_done done() noexcept { return {&finish, this}; }

  static void finish(void* ctx, std::int32_t status, const void* result, const postbus_error* error) {
    auto& self = *static_cast<answers*>(ctx);
    self.all_well = status == POSTBUS_OK && result == nullptr;
    if (status != POSTBUS_OK) [[unlikely]] {
      self.message->assign(error != nullptr ? error->message : "");
      for (const engine::answer_to& mine : self.results) *mine.ec = to_error_code(status);
    } else if (result != nullptr) {
      const auto* receipts = static_cast<const postbus_receipt*>(result);
      for (const engine::answer_to& mine : self.results) {
        *mine.ec = to_error_code(receipts->status);
        if (receipts->position.len != 0)
          receipt_access::set_position(*mine.value, sdk::view(receipts->position));
        ++receipts;
      }
    }
  }
};

}  // namespace

topic_entry* engine::find_topic(thread_record& thread, std::string_view topic, std::uint64_t hash,
                                error_code& ec, bool others_in_use) {
  if (topic_entry* known = thread.topics.find(topic, hash)) [[likely]]
    return known;
  if (sdk::check_topic(topic)) {
    ec = make_error_code(error::bad_argument);
    return nullptr;
  }
  auto entry = std::make_unique<topic_entry>();
  entry->hash = hash;
  entry->topic = topic;
  entry->transport = transports[routes.route(topic)].get();
  entry->reserved = sdk::is_reserved(topic);
  features.scope(*entry);
  return &thread.topics.add(std::move(entry), others_in_use || thread.depth > 1);
}

bool engine::may_publish(thread_record& thread) const noexcept {
  switch (state.load(std::memory_order_acquire)) {
    case phase::running:
      return true;
    case phase::draining:
      return thread.running.load(std::memory_order_relaxed) != nullptr || thread.steps > 0;
    default:
      return false;
  }
}

bool engine::check(const publish_request& r, const transport_slot& to, error_code& ec) noexcept {
  const publish_options& o = *r.options;
  if (r.data.size() > to.data_max) [[unlikely]]
    return ec = make_error_code(error::too_large), false;
  if (to.format.codec == codec::raw && !fits_raw(r, to)) [[unlikely]]
    return ec = make_error_code(error::unsupported), false;
  if (o.ttl && o.ttl->count() <= 0) [[unlikely]]
    return ec = make_error_code(error::bad_argument), false;
  if (o.headers.empty()) [[likely]]
    return true;
  if (o.headers.size() > headers_max || !std::all_of(o.headers.begin(), o.headers.end(),
                                                     [](const header& h) { return is_header_name(h.name); }))
    return ec = make_error_code(error::bad_argument), false;
  return true;
}

topic_entry* engine::admit(thread_record& thread, std::string_view topic, std::uint64_t hash, error_code& ec,
                           bool others_in_use) {
  if (!may_publish(thread)) return ec = make_error_code(error::closed), nullptr;
  topic_entry* entry = find_topic(thread, topic, hash, ec, others_in_use);
  if (entry != nullptr && entry->reserved) return ec = make_error_code(error::bad_argument), nullptr;
  return entry;
}

void engine::sample(thread_record& thread, event_record& event) const noexcept {
  thread.until_timed = sample_every != 0 ? sample_every : UINT32_MAX;
  if (sample_every == 0) return;
  event.timed = sampling::all;
  event.time_ns = rt->precise_wall_ns();
}

void engine::compose(thread_record& thread, lent_event& event, const publish_request& r,
                     postbus_pair* pairs) noexcept {
  const publish_options& o = *r.options;
  event.size = sizeof(postbus_event);
  event.flags = 0;
  event.time_ns = event.expires_ns = 0;
  event.topic = sdk::str(r.topic);
  event.source = sdk::str(source);
  event.data = {reinterpret_cast<const std::uint8_t*>(r.data.data()), r.data.size()};
  event.id = sdk::str(o.id);
  event.key = sdk::str(o.key);
  event.content_type = sdk::str(o.content_type);
  event.ids = rt.get();
  event.headers = pairs;
  event.header_count = o.headers.size();
  for (const header& h : o.headers) *pairs++ = {sdk::str(h.name), sdk::str(h.value)};
  if (o.ttl) [[unlikely]]
    event.expires_ns = after(rt->wall_ns(), *o.ttl);
  if (--thread.until_timed == 0) [[unlikely]]
    sample(thread, event);
}

void engine::publish(const publish_request& r, error_code& ec, receipt& out) noexcept {
  try {
    thread_record& thread = threads.mine();
    passage inside(thread);
    topic_entry* entry = admit(thread, r.topic, r.hash, ec, false);
    if (entry == nullptr || !check(r, *entry->transport, ec)) [[unlikely]]
      return thread.detail.clear(), count_refused(ec);  // the detail is of an earlier publish
    std::array<postbus_pair, headers_max> pairs;
    lent_event event;
    compose(thread, event, r, pairs.data());
    event_record* going = &event;
    event_record* owned = nullptr;
    passage_marks marks;
    if (entry->publish_mask != 0) {
      traveller t;
      t.event = &event;
      t.entry = entry;
      t.marks.ticket = features.next_ticket(thread);
      t.cause = ticket_of(r.cause);
      features.ask(thread, POSTBUS_AT_PUBLISH, {&t, 1});
      if (t.owned != nullptr) going = owned = t.owned;
      entry = t.entry;
      if (t.is_kept()) {
        inside.leave();
        wait_for_verdict(t, *r.options, ec, out);
        if (owned != nullptr) owned->release();
        return;
      }
      marks = std::move(t.marks);
      if (t.verdict != POSTBUS_PASS) {
        features.tell_published(*going, marks, from_error_code(t.ec));
        thread.detail = std::move(t.reason);
        ec = t.ec;
        if (!ec) receipt_access::set_id(out, *going, thread, rt->wall_ns());
        else count_refused(ec);
        if (owned != nullptr) owned->release();
        return;
      }
    }
    transport_slot& to = *entry->transport;
    const bool waits_here = delayed_events::keeps(to, delay_of(*r.options));
    if (!waits_here && (!to.answers_at_once || r.options->delay)) [[unlikely]] {
      inside.leave();
      const std::int64_t deadline = rt->now_ns() + r.options->deadline.count();
      if (in_handler() && to.waiting.would_wait()) count_refused(ec = make_error_code(error::would_block));
      else
        take_late(*start_late(*going, to, deadline, delay_of(*r.options), std::move(marks)), deadline, ec,
                  out);
    } else {
      if (waits_here) [[unlikely]] {
        ec = delayed.add(*going, to, delay_of(*r.options));
      } else {
        postbus_out one{going, nullptr, 0, 0, entry->slot.data()};
        const answer_to answer{&ec, &out, r.options->deadline.count()};
        send_at_once(thread, inside, to, {&one, 1}, {&answer, 1});
      }
      if (!ec) {
        if (!waits_here) [[likely]]
          thread.published.store(thread.published.load(std::memory_order_relaxed) + 1,
                                 std::memory_order_relaxed);
        receipt_access::set_id(out, *going, thread, wall_of(thread));
      } else {
        count_refused(ec);
      }
      features.tell_published(*going, marks, from_error_code(ec));
    }
    if (owned != nullptr) owned->release();
  } catch (const std::bad_alloc&) {
    ec = make_error_code(boost::system::errc::not_enough_memory);
  }
}

// In order; one that stays without room is answered so, and those behind it go on.
void engine::send_at_once(thread_record& thread, passage& inside, transport_slot& to,
                          std::span<postbus_out> events, std::span<const answer_to> results) noexcept {
  std::int64_t begun = 0;
  const auto answer_all = [&](error_code ec) {
    for (const answer_to& r : results) *r.ec = ec;
  };
  while (!events.empty()) {
    answers a{results, &thread.detail};
    if (thread.depth == 1) thread.inline_since_ns = rt->coarse_now_ns();
    to.table->publish(to.self, events.data(), events.size(), a.done());
    if (a.all_well) [[likely]]
      return;
    const auto full =
        std::find_if(results.begin(), results.end(), [](const answer_to& r) { return *r.ec == error::full; });
    const auto sent = static_cast<std::size_t>(full - results.begin());
    events = events.subspan(sent);
    results = results.subspan(sent);
    if (events.empty()) return;
    thread.detail.clear();
    if (begun == 0) begun = rt->now_ns();
    const answer_to& first = results.front();
    const std::int64_t deadline = begun + first.wait_ns;
    answer_all({});
    if (first.wait_ns <= 0 || !POSTBUS_CAN(to.table, room)) {
      *first.ec = make_error_code(error::full);
    } else if (in_handler()) {
      *first.ec = make_error_code(error::would_block);
    } else {
      const auto asked = ask_for_room(to, events.front().event->topic);
      inside.leave();
      const bool room = asked->wait(*rt, deadline) && asked->status() == POSTBUS_OK &&
                        (rt->is_virtual() || rt->now_ns() < deadline);
      inside.enter();
      if (!may_publish(thread)) return answer_all(make_error_code(error::closed));
      if (room) continue;
      *first.ec = make_error_code(error::full);
    }
    events = events.subspan(1);
    results = results.subspan(1);
  }
}

// When the passage that publishes began. The id of an event that nobody else has asked for may say so without another look at a clock.
std::int64_t engine::wall_of(const thread_record& thread) const noexcept {
  return thread.inline_since_ns + wall_offset_ns;
}

std::shared_ptr<waiter> engine::ask_for_room(transport_slot& to, postbus_str topic) {
  // The transport may answer after the deadline: what it answers to lives until then.
  auto room = std::make_shared<waiter>();
  const auto answered = [](void* ctx, std::int32_t status, const void*, const postbus_error* e) {
    const std::unique_ptr<std::shared_ptr<waiter>> held(static_cast<std::shared_ptr<waiter>*>(ctx));
    sdk::answer((*held)->done(), status, nullptr, e);
  };
  to.table->room(to.self, topic, {answered, new std::shared_ptr<waiter>(room)});
  return room;
}

}  // namespace postbus::detail
