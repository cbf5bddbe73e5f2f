// Messages to a session at work: row 29, where the configuration has the feature steering.
#include "all_rows.hpp"

#include <postbus/conformance/scene.hpp>
#include <postbus/steering.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <set>

namespace postbus::conformance {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t messages = 2'000;

// A session of its own: the store may be shared, and may remember.
std::string own_session(scene& s, bus& b, std::string_view name) {
  return std::string(name) + "-" + s.publish(b, "conformance:nobody", "").id();
}

std::vector<std::string> texts_of(const std::vector<steering::message>& all) {
  std::vector<std::string> texts;
  for (const auto& m : all) texts.push_back(m.text);
  return texts;
}

// "status text" of each message whose receipt came; a message's id is the session and its text.
class receipts {
 public:
  receipts(bus& b, const std::string& session)
      : s_(b.subscribe("agent:steer:status:" + session, [this, n = session.size() + 1](const delivery& d) {
          const auto r = d.json();
          for (const auto& id : r.at("ids").as_array())
            all_.add(std::string(std::string_view(r.at("status").as_string())) + " " +
                     std::string(std::string_view(id.as_string()).substr(n)));
        })) {}
  bool has(const std::string& line) const {
    const auto all = all_.all();
    return std::find(all.begin(), all.end(), line) != all.end();
  }

 private:
  collected<std::string> all_;
  subscription s_;
};

void in_order_between_steps(scene& s) {
  bus& b = s.open();
  const std::string session = own_session(s, b, "order"), other = own_session(s, b, "other");
  steering who(b, session), elsewhere(b, other), worker(b, session);
  std::vector<std::string> got;
  for (std::size_t n = 0; n < messages; ++n) {
    const std::string text = std::to_string(n);
    const auto r = who.push(text, {.id = session + "/" + text});
    if (r.status != "accepted")
      return s.fail("expected message " + text + " to be accepted; it is " + r.status);
    if (n % 10 == 0) elsewhere.push("for the other session");
    if (n % 50 != 49) continue;
    const auto batch = texts_of(worker.take_all());
    if (batch.empty() || batch.back() != text)
      return s.fail("expected message " + text + " to be seen when the worker looks next");
    got.insert(got.end(), batch.begin(), batch.end());
  }
  expect_each_once(s, got, messages, "messages taken");
  s.expect(got == numbers(messages),
           "messages of a session are taken in the order in which they were pushed");
  s.publish(b, "agent:steer:" + session, "published");
  s.wait_until([&] { return who.count().queued == 1; }, "a published message is queued");
  const auto last = worker.take();
  s.expect(last && last->text == "published", "a published message is taken as any other");
  worker.confirm();
  const std::string first = session + "/0";
  s.await([&] { return who.status(first) == "seen"; });
  s.expect_equal(who.status(first), std::string("seen"),
                 "what became of a message that was taken and confirmed");
  s.expect(worker.take_all().empty(), "what was confirmed does not come again");
}

void interrupts(scene& s) {
  bus &here = s.open(), &there = s.open();
  const std::string session = own_session(s, here, "abort"), other = own_session(s, here, "calm");
  steering(there, session).push("x");
  const bool share_a_store = steering(here, session).clear() == 1;
  collected<settlement> running, calm;
  const auto work = here.subscribe("work:{session_id}", [&](const delivery& d) {
    (d.param("session_id") == session ? running : calm).add(d.defer());
  });
  s.publish(here, "work:" + session, "");
  s.publish(here, "work:" + other, "");
  s.wait_until([&] { return running.size() == 1 && calm.size() == 1; }, "both sessions are at work");
  auto open = running.take();
  auto other_open = calm.take();
  steering who(share_a_store ? there : here, session), worker(here, session);
  for (const char* text : {"Stop!", "rather in French"}) {
    who.push("queued");
    const bool is_abort = text[0] == 'S';
    who.push(text, {.interrupt = !is_abort});
    s.wait_until([&] { return open[0].stop_requested(); }, "what runs for the session is asked to stop");
    s.expect(!other_open[0].stop_requested(), "another session's delivery goes on");
    const auto got = worker.take_all();
    s.expect(texts_of(got) == std::vector<std::string>{text}, "what interrupts is alone in the inbox");
    s.expect(!got.empty() && got[0].is_abort == is_abort, "only an abort is marked as one");
    open[0].ack();
    s.publish(here, "work:" + session, "");
    s.wait_until([&] { return running.size() == 1; }, "the session is at work again");
    open = running.take();
    s.expect(!open[0].stop_requested(), "a delivery that starts afterwards is not asked to stop");
  }
  for (settlement& one : open) one.ack();
  for (settlement& one : other_open) one.ack();
}

void crashes(scene& s) {
  bus& b = s.open();
  const std::string session = own_session(s, b, "crash");
  steering who(b, session);
  std::vector<std::string> seen;
  std::optional<steering> worker(std::in_place, b, session);
  for (std::size_t n = 0; n < messages; ++n) {
    who.push(std::to_string(n));
    if (n % 10 == 4) worker->take_all();
    if (n % 10 != 9) continue;
    worker.emplace(b, session);  // the one before took five and is gone
    const auto batch = worker->take_all();
    for (std::size_t i = 0; i < batch.size(); ++i)
      if (batch[i].again != (i < 5) && batch.size() == 10)
        return s.fail("expected what a worker had when it crashed to come first, and to be marked");
    worker->confirm();
    for (const auto& m : batch) seen.push_back(m.text);
  }
  s.expect(seen == numbers(messages),
           "what a worker had when it crashed is given to the next one, in its order");
  steering late(b, session);
  who.push("x");
  late.take_all();
  worker->take_all();
  try {
    late.confirm();
    s.fail("expected a worker that another one took over from to be told so");
  } catch (const error& e) {
    s.expect(e.code() == error::lease_lost, "who was overtaken has lost the session");
  }
}

void late_is_late(scene& s) {
  bus& b = s.open();
  const std::string session = own_session(s, b, "late");
  receipts heard(b, session);
  steering who(b, session), worker(b, session);
  const auto push = [&](const std::string& text) {
    return who.push(text, {.id = session + "/" + text}).status;
  };
  s.expect(push("early") == "accepted", "a message before the first look is accepted");
  worker.take_all();
  s.expect(push("left") == "accepted", "a message to a session at work is accepted");
  worker.end();
  for (const char* line : {"accepted early", "seen early", "accepted left", "late left"})
    s.wait_until([&] { return heard.has(line); }, std::string("a receipt says: ") + line);
  for (const std::string round : {"a", "b"}) {
    for (std::size_t n = 0; n < 600; ++n)
      if (const auto status = push(round + std::to_string(n)); status != "late")
        return s.fail("expected a message after the end to be late; it is " + status);
    s.expect(who.push("stop").status == "late", "an abort after the end is late");
  }
  who.push("kept", {.id = session + "/kept"});
  s.expect(texts_of(worker.take_all()) == std::vector<std::string>{"kept"},
           "what is late is kept for the next session, and an abort that is late is not");
  s.expect(push("again") == "accepted", "a session that is taken from again goes on");
}

constexpr row table[] = {
    {29,
     "messages to a session are taken in their order, at the next look",
     {},
     timing::either,
     in_order_between_steps,
     "steering"},
    {29,
     "an abort or an interrupt is alone in the inbox, and stops what runs for the session",
     {},
     timing::either,
     interrupts,
     "steering"},
    {29,
     "what a worker had when it crashed is given to the next one, first",
     {},
     timing::either,
     crashes,
     "steering"},
    {29,
     "what comes after the end of its session is late, reported and kept",
     {},
     timing::either,
     late_is_late,
     "steering"},
};

}  // namespace

std::span<const row> steering_rows() { return table; }

}  // namespace postbus::conformance
