// Publishes that a feature keeps (HOLD, PARK): they wait for its verdict, up to their deadline, and the rest of their way goes on on a
// worker.
#include "engine/engine.hpp"

namespace postbus::detail {
namespace {

// Of one that waits. What it points to is there as long as its ticket is waited for.
struct limit_of_held {
  std::shared_ptr<engine> owner;
  std::uint64_t ticket;
  async_publish* what;
};

}  // namespace

// Nobody waits for the verdict: those that let it by hear that it was not published.
void engine::refuse_kept(thread_record& thread, traveller& t, error_code& ec) {
  features.waiting.dismiss(t.marks.ticket);
  features.tell_published(*t.event, t.marks, POSTBUS_E_CANCELLED);
  thread.detail = "a feature keeps it, and a handler does not wait for that";
  ec = make_error_code(error::would_block);
}

void engine::wait_for_verdict(traveller& t, const publish_options& options, error_code& ec, receipt& out) {
  if (in_handler()) {
    refuse_kept(threads.mine(), t, ec);
    return count_refused(ec);
  }
  const std::int64_t deadline = rt->now_ns() + options.deadline.count();
  take_late(*start_held(t, deadline, delay_of(options)), deadline, ec, out);
}

// What the features made of it.
void engine::take_over(async_publish& p, traveller& t) {
  if (t.owned != nullptr) {
    p.event->release();
    p.event = t.owned;
  }
  p.to = t.entry->transport;
  p.detail = std::move(t.reason);
  p.marks = std::move(t.marks);
  p.at = t.at;
}

void engine::conclude(std::unique_ptr<async_publish> p, std::uint32_t verdict, error_code ec) {
  if (verdict != POSTBUS_HOLD && verdict != POSTBUS_PARK) return async_publish::complete(std::move(p), ec);
  engine& self = *p->owner;
  self.hold(std::move(p));
}

void engine::hold(std::unique_ptr<async_publish> p) {
  const auto alive = p->owner;
  const std::uint64_t ticket = p->marks.ticket;
  const std::int64_t left = p->deadline_ns - rt->now_ns();
  auto* limit = new limit_of_held{alive, ticket, p.get()};
  features.waiting.wait(ticket, {&publish_resumed, p.release(), flow_table::parking::is_nothing});
  rt->timer(std::max<std::int64_t>(0, left), {&held_too_long, limit});
}

void engine::held_too_long(void* ctx, std::int32_t, const void*, const postbus_error*) {
  const std::unique_ptr<limit_of_held> limit(static_cast<limit_of_held*>(ctx));
  if (!limit->owner->features.waiting.forget(limit->ticket)) return;  // it went on long ago
  std::unique_ptr<async_publish> p(limit->what);
  p->detail = "a feature kept it until its deadline";
  async_publish::complete(std::move(p), make_error_code(error::timed_out));
}

void engine::publish_resumed(void* ctx, const postbus_verdict& answer) {
  auto* p = static_cast<async_publish*>(ctx);
  p->answer = answer;
  p->owner->rt->post(
      [](void* resumed) {
        std::unique_ptr<async_publish> mine(static_cast<async_publish*>(resumed));
        engine& self = *mine->owner;
        self.go_on(std::move(mine));
      },
      p);
}

void engine::go_on(std::unique_ptr<async_publish> p) {
  const auto alive = p->owner;
  traveller t;
  {
    thread_record& thread = threads.mine();
    const passage inside(thread);
    const std::string_view topic = sdk::view(p->event->topic);
    error_code ec;
    t.entry = find_topic(thread, topic, sdk::hash_bytes(topic), ec);
    t.event = p->event;
    t.marks = std::move(p->marks);
    t.cause = p->cause;
    t.at = p->at;
    features.take_answer(thread, POSTBUS_AT_PUBLISH, t, p->answer);
    features.ask(thread, POSTBUS_AT_PUBLISH, {&t, 1});
    take_over(*p, t);
  }
  if (t.verdict != POSTBUS_PASS) return conclude(std::move(p), t.verdict, t.ec);
  hand_over(std::move(p));
}

}  // namespace postbus::detail
