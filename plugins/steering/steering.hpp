// steering: messages to a session at work. It gives no verdict on any event and so is not asked about any: it answers calls, listens to
// topics, and stops what runs. session.hpp has what the store keeps, and the steps.
#pragma once

#include "arguments.hpp"
#include "item.hpp"
#include "receipts.hpp"
#include "session.hpp"
#include "stops.hpp"

namespace postbus::steering_plugin {

class steering {
 public:
  using answer = sdk::completion<std::string_view>;

  explicit steering(sdk::context& ctx);
  void start(sdk::completion<>&& done) { stops_.start(std::move(done)); }
  void stop(sdk::completion<>&& done) { stops_.stop(std::move(done)); }
  void call(std::string_view method, std::string_view json, answer&& done);

 private:
  // What is pushed: made once, and pushed again where the session ended or went on meanwhile.
  struct message {
    session to;
    std::string id, stored;
    bool is_abort = false, cuts = false, front = false;
    int tries = 4;
  };

  session session_of(const arguments& a) const { return session(a.session(), most_); }
  std::string random_name() const;
  // Runs a step, and f(result, answer) when it went as its caller counts on; else answers what went wrong. The answer is taken only once
  // nothing can be refused any more: what throws before is answered by the face.
  template <class F>
  void run(step what, answer&& done, F f);

  void push(const arguments& a, answer& done);
  void abort(const arguments& a, answer& done);
  void event(const arguments& a, answer& done);
  void take(const arguments& a, answer& done);
  void confirm(const arguments& a, answer& done);
  void end(const arguments& a, answer& done);
  void clear(const arguments& a, answer& done);
  void peek(const arguments& a, answer& done);
  void count(const arguments& a, answer& done);
  void receipt(const arguments& a, answer& done);
  void sessions(const arguments& a, answer& done);

  message make(session to, json::object body, std::string id) const;
  void send(message m, answer&& done);
  void cut(message m, answer&& done);
  void cut_ended(message m, answer&& done);
  void pushed(const message& m, const result& r, answer& done) const;
  // The batch is done with: says so of each of its items.
  void tell_of_batch(const session& s, const std::vector<std::string>& stored) const;
  json::array shown(const items& all) const;

  sdk::context& ctx_;
  sdk::store_client store_;
  const limits most_;
  const abort_words words_;
  const bool interrupts_;
  const std::string capture_;
  const std::uint32_t malformed_;
  receipts receipts_;
  stops stops_;
};

template <class F>
void steering::run(step what, answer&& done, F f) {
  store_.execute(std::move(what.ops), [read = what.read, done = std::move(done),
                                       f = std::move(f)](const sdk::store_answer& a) mutable {
    const result r = read(a);
    if (r.outcome == outcome::failed)
      return done.fail(r.status,
                       "the store says: " + (r.why.empty() ? "status " + std::to_string(r.status) : r.why));
    if (r.outcome == outcome::taken_over) return done.ok(R"({"taken_over":true})");
    f(r, done);
  });
}

}  // namespace postbus::steering_plugin
