// Who steers: what is pushed, and what it drops and stops.
#include "steering.hpp"

#include <postbus/sdk/timestamp.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace postbus::steering_plugin {
namespace {

// Of an event that is heard: a JSON object with a text, as other programs publish it, or a text.
json::object body_of(const arguments& a) {
  if (!a.has("data"))
    throw sdk::failure(
        POSTBUS_E_INVALID,
        "found an event whose data is no UTF-8; wanted a text, or a JSON object with a \"text\"");
  std::string data = a.text("data");
  json::error_code ec;
  json::value v = json::parse(data, ec);
  json::object body;
  const bool is_item = !ec && v.is_object() && v.get_object().contains("text");
  if (is_item) body = std::move(v.get_object());
  else body["text"] = std::move(data);
  if (!body.contains("timestamp")) body["timestamp"] = a.text("time");
  return body;
}

}  // namespace

steering::message steering::make(session to, json::object body, std::string id) const {
  message m{std::move(to), std::move(id), {}};
  if (m.id.empty()) m.id = random_name();
  body["id"] = m.id;
  if (!body.contains("timestamp")) {
    std::string now;
    sdk::append_timestamp(now, ctx_.wall_ns());
    body["timestamp"] = now;
  }
  if (interrupts_) body["interrupt"] = true;
  const item read = read_item(json::serialize(body), words_);
  if (read.is_malformed)
    throw sdk::failure(POSTBUS_E_INVALID,
                       "found the item " + json::serialize(body) +
                           R"(; wanted "text" to be a text, "is_abort" and "interrupt" true or false)");
  m.is_abort = read.is_abort;
  m.cuts = read.is_abort || read.interrupts;
  body["is_abort"] = m.is_abort;
  m.stored = json::serialize(body);
  return m;
}

void steering::push(const arguments& a, answer& done) {
  a.allow({"session", "text", "sender", "timestamp", "target_agent", "is_abort", "interrupt", "front", "id"});
  json::object body{{"text", a.required_text("text")}, {"sender", a.text("sender")}};
  for (const char* name : {"timestamp", "target_agent"})
    if (a.has(name)) body[name] = a.text(name);
  body["is_abort"] = a.boolean("is_abort");
  if (a.boolean("interrupt")) body["interrupt"] = true;
  message m = make(session_of(a), std::move(body), a.text("id"));
  m.front = a.boolean("front");
  send(std::move(m), std::move(done));
}

void steering::abort(const arguments& a, answer& done) {
  a.allow({"session", "text", "sender"});
  send(make(session_of(a),
            {{"text", a.text("text", "stop")}, {"sender", a.text("sender")}, {"is_abort", true}}, ""),
       std::move(done));
}

// Every process with this plugin hears the event, perhaps twice: whoever is first pushes it, under the name of the event.
void steering::event(const arguments& a, answer& done) {
  const json::object* params = a.object("params");
  const json::value* id = params != nullptr ? params->if_contains(capture_) : nullptr;
  if (id == nullptr)
    throw sdk::failure(POSTBUS_E_INVALID, "found an event on '" + a.text("topic") +
                                              "', whose pattern has no {" + capture_ +
                                              "}; wanted the session there: correct listens, or capture");
  const session to(arguments::checked_session(std::string(std::string_view(id->as_string()))), most_);
  if (a.text("topic") == receipts_.topic_of(to))
    throw sdk::failure(POSTBUS_E_INVALID,
                       "found a receipt; wanted a message: do not listen to the topic of status");
  send(make(to, body_of(a), a.text("source") + "/" + a.required_text("id")), std::move(done));
}

void steering::send(message m, answer&& done) {
  if (m.cuts) return cut(std::move(m), std::move(done));
  step put = m.to.push(m.id, m.stored, m.front);
  run(std::move(put), std::move(done),
      [this, m = std::move(m)](const result& r, answer& to) { pushed(m, r, to); });
}

void steering::cut(message m, answer&& done) {
  step put = m.to.cut(m.id, m.stored);
  run(std::move(put), std::move(done), [this, m = std::move(m)](const result& r, answer& to) mutable {
    if (r.outcome == outcome::ended && m.is_abort) return cut_ended(std::move(m), std::move(to));
    if (r.outcome == outcome::ended) {  // what only interrupts is kept, as any other item
      m.cuts = false;
      return send(std::move(m), std::move(to));
    }
    receipts_.dropped(m.to, ids_of(read_items(r.before, words_), 0, r.before.size()));
    receipts_.dropped(m.to, ids_of(read_items(r.given, words_), 0, r.given.size()));
    pushed(m, r, to);
  });
}

void steering::cut_ended(message m, answer&& done) {
  step drop = m.to.cut_ended(m.id);
  run(std::move(drop), std::move(done), [this, m = std::move(m)](const result& r, answer& to) mutable {
    if (r.outcome == outcome::goes_on && --m.tries > 0) return cut(std::move(m), std::move(to));
    if (r.outcome == outcome::goes_on)
      return to.fail(POSTBUS_E_UNAVAILABLE, "the session ends and begins all the time; try again", true);
    receipts_.dropped(m.to, ids_of(read_items(r.given, words_), 0, r.given.size()));
    pushed(m, r, to);
  });
}

void steering::pushed(const message& m, const result& r, answer& done) const {
  if (r.outcome == outcome::full)
    return done.fail(POSTBUS_E_FULL,
                     "found " + std::to_string(most_.queue_max) + " items queued for the session '" +
                         m.to.id() + "', its queue_max; wanted room: let its worker take some, or clear it");
  if (r.outcome == outcome::duplicate)
    return done.ok(json::serialize(json::object{{"id", m.id}, {"status", r.why}, {"duplicate", true}}));
  const bool late = r.outcome == outcome::late;
  receipts_.pushed(m.to, m.id, late);
  done.ok(json::serialize(
      json::object{{"id", m.id}, {"status", late ? "late" : "accepted"}, {"queued", r.queued}}));
}

void steering::clear(const arguments& a, answer& done) {
  a.allow({"session"});
  session s = session_of(a);
  step drop = s.clear();
  run(std::move(drop), std::move(done), [this, s = std::move(s)](const result& r, answer& to) {
    receipts_.dropped(s, ids_of(read_items(r.before, words_), 0, r.before.size()));
    receipts_.dropped(s, ids_of(read_items(r.given, words_), 0, r.given.size()));
    to.ok(json::serialize(json::object{{"dropped", r.before.size() + r.given.size()}}));
  });
}

}  // namespace postbus::steering_plugin
