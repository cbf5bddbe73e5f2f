// Batches on their way down: as single publishes, but that features and transports get many at a time.
#include "engine/engine.hpp"
#include "engine/waiter.hpp"
#include "receipt_access.hpp"

namespace postbus::detail {
namespace {

constexpr std::size_t at_once = 64;  // events that are handed over together

}  // namespace

// An event of a batch whose answer comes later.
struct engine::late_publish {
  std::shared_ptr<late_answer> answer;
  publish_result* result;
  std::int64_t deadline_ns;
};

void engine::publish(std::span<const message> messages, std::span<publish_result> results) noexcept {
  std::vector<late_publish> late;
  try {
    for (std::size_t at = 0; at < messages.size(); at += at_once) {
      const std::size_t n = std::min(at_once, messages.size() - at);
      publish_some(messages.subspan(at, n), results.subspan(at, n), late);
    }
  } catch (const std::bad_alloc&) {
    for (publish_result& result : results)
      result.ec = make_error_code(boost::system::errc::not_enough_memory);
  }
  for (const late_publish& l : late) take_late(*l.answer, l.deadline_ns, l.result->ec, l.result->value);
}

// At most at_once of them.
void engine::publish_some(std::span<const message> messages, std::span<publish_result> results,
                          std::vector<late_publish>& late) {
  thread_record& thread = threads.mine();
  passage inside(thread);
  if (thread.depth == 1) thread.topics.begin();
  std::array<lent_event, at_once> events;
  std::array<traveller, at_once> travellers;
  std::array<std::size_t, at_once> whose;
  std::size_t pairs_needed = 0, n = 0;
  for (const message& m : messages) pairs_needed += m.options.headers.size();
  std::vector<postbus_pair> pairs(pairs_needed);
  postbus_pair* next_pairs = pairs.data();
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const message& m = messages[i];
    const publish_request r{m.topic, sdk::hash_bytes(m.topic), m.data, &m.options};
    topic_entry* entry = admit(thread, r.topic, r.hash, results[i].ec, true);
    if (entry == nullptr || !check(r, *entry->transport, results[i].ec)) {
      count_refused(results[i].ec);
      continue;
    }
    compose(thread, events[n], r, next_pairs);
    next_pairs += m.options.headers.size();
    travellers[n].event = &events[n];
    travellers[n].entry = entry;
    if (!features.empty()) travellers[n].marks.ticket = features.next_ticket(thread);
    whose[n++] = i;
  }
  if (!features.empty()) features.ask(thread, POSTBUS_AT_PUBLISH, {travellers.data(), n});
  std::array<postbus_out, at_once> outs;
  std::array<answer_to, at_once> answers;
  std::size_t going = 0;
  transport_slot* to = nullptr;
  const auto waits = [&](std::size_t k) {
    return !travellers[k].entry->transport->answers_at_once || messages[whose[k]].options.delay;
  };
  // Those for one transport that follow each other go together.
  const auto send = [&] {
    if (going > 0) send_at_once(thread, inside, *to, {outs.data(), going}, {answers.data(), going});
    going = 0;
  };
  for (std::size_t k = 0; k < n; ++k) {
    traveller& t = travellers[k];
    publish_result& result = results[whose[k]];
    const std::int64_t wait_ns = messages[whose[k]].options.deadline.count();
    if (t.is_kept()) {
      const std::int64_t deadline = rt->now_ns() + wait_ns;
      if (in_handler()) refuse_kept(thread, t, result.ec);
      else late.push_back({start_held(t, deadline, delay_of(messages[whose[k]].options)), &result, deadline});
    } else if (t.verdict != POSTBUS_PASS) {
      thread.detail = t.reason;
      result.ec = t.ec;
    } else if (waits(k)) {
      const std::int64_t deadline = rt->now_ns() + wait_ns;
      late.push_back({start_late(event_record::of(t.event), *t.entry->transport, deadline,
                                 delay_of(messages[whose[k]].options), std::move(t.marks)),
                      &result, deadline});
    } else {
      if (to != t.entry->transport) send();
      to = t.entry->transport;
      outs[going] = {t.event, nullptr, 0, 0, t.entry->slot.data()};
      answers[going++] = {&result.ec, &result.value, wait_ns};
    }
  }
  send();
  for (std::size_t k = 0; k < n; ++k) {
    publish_result& result = results[whose[k]];
    const bool is_late =
        travellers[k].is_kept() ? !result.ec : travellers[k].verdict == POSTBUS_PASS && waits(k);
    if (!result.ec && !is_late) {
      receipt_access::set_id(result.value, event_record::of(travellers[k].event), thread, wall_of(thread));
      thread.published.store(thread.published.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    } else if (!is_late) {
      count_refused(result.ec);
    }
    features.tell_published(*travellers[k].event, travellers[k].marks, from_error_code(result.ec));
    if (travellers[k].owned != nullptr) travellers[k].owned->release();
  }
}

}  // namespace postbus::detail
