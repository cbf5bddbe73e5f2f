// steering: messages to a session at work, for a bus whose configuration has the feature "steering" (docs/steering.md).
//
//   postbus::steering inbox(bus, d.param("session_id"));    // in the handler that does the session's work
//   for (step& s : steps) {
//     for (const auto& m : inbox.take_all()) {               // what came since; confirms what was taken before
//       if (m.is_abort) return inbox.end();
//       s.mind(m.text);
//     }
//     s.work(d.stop_token());
//   }
//   inbox.end();                                             // confirms the rest; what comes now is late
//
//   postbus::steering(bus, "s1").push("rather in French");   // whoever steers, in any process
//
// Each call asks the plugin and waits for its answer, as bus.call() does; each has an async_ form for coroutines and callbacks. They throw
// what bus.call() throws: full (a push into an inbox that is), unavailable, outcome_unknown, no_such_method (the bus has no steering), …;
// and lease_lost, once another inbox has taken from the session, or ended it: leave it, and what this one took, to that one.
#pragma once

#include <postbus/bus.hpp>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace postbus {

// One session, as one worker or one who steers sees it. Costs nothing to make. One call at a time, from any thread; it outlives its async
// calls, and its bus outlives it.
class steering {
 public:
  struct message {
    std::string text, sender, timestamp, target_agent;
    std::string id;             // empty: another program wrote it, and hears nothing of it
    bool is_abort = false;      // by its field, or by its words
    bool is_malformed = false;  // no such JSON: text is all there is
    bool again = false;         // was taken before, and not confirmed
  };
  struct push_options {
    std::string_view sender{}, target_agent{};
    std::string_view id{};   // pushing it again under the same id changes nothing; empty: one is made
    bool front = false;      // before all others
    bool is_abort = false;   // drops what is queued, and asks the session's deliveries to stop
    bool interrupt = false;  // the same for what is no abort
  };
  struct receipt {
    std::string id;
    std::string
        status;  // accepted; late: the session has ended; of one that was pushed before: what became of it
  };
  struct figures {
    std::size_t queued = 0, taken = 0;  // taken and not confirmed
    bool ended = false;
  };

  steering(bus& b, std::string_view session) : bus_(&b), session_(session) {}

  // ---- who steers
  receipt push(std::string_view text, const push_options& options) {
    return receipt_in(call("push", push_arguments(text, options)));
  }
  receipt push(std::string_view text) { return push(text, push_options{}); }
  receipt abort(std::string_view text = "stop") { return receipt_in(call("abort", {{"text", text}})); }
  // accepted, late, seen, dropped; unknown: never pushed, or so long ago that nobody knows.
  std::string status(std::string_view id) { return text_at(call("receipt", {{"id", id}}), "status"); }
  // Drops what is queued, and returns how many there were.
  std::size_t clear() { return number_at(call("clear", {}), "dropped"); }

  // ---- the worker: between its steps. Taking confirms what this inbox took before. What it took last and never confirms, because its
  // handler throws or its process ends, is given again to the next inbox, first and in its order.
  std::vector<message> take_all() { return take_in(call("take", batch_argument())); }
  std::optional<message> take() {
    object a = batch_argument();
    a["max"] = 1;
    return first_of(take_in(call("take", std::move(a))));
  }
  void confirm() {
    if (batch_.empty()) return;
    call("confirm", batch_argument());
    batch_.clear();
  }
  // The session has ended: confirms, and what is queued or comes later is late, until somebody takes again.
  void end() {
    call("end", batch_argument());
    batch_.clear();
  }

  // ---- looking changes nothing
  std::vector<message> peek(std::size_t max = 100) {
    return messages_in(call("peek", {{"max", max}}), "items");
  }
  figures count() {
    const auto a = call("count", {});
    return {number_at(a, "queued"), number_at(a, "taken"), a.at("ended").as_bool()};
  }

  // ---- the same without waiting, with any completion token
  template <boost::asio::completion_token_for<void(error_code, receipt)> Token>
  auto async_push(std::string_view text, const push_options& options, Token&& token) {
    return ask<void(error_code, receipt)>(
        "push", push_arguments(text, options), [](steering&, const object& a) { return receipt_in(a); },
        std::forward<Token>(token));
  }
  template <boost::asio::completion_token_for<void(error_code, std::vector<message>)> Token>
  auto async_take_all(Token&& token) {
    return ask<void(error_code, std::vector<message>)>(
        "take", batch_argument(), [](steering& self, const object& a) { return self.take_in(a); },
        std::forward<Token>(token));
  }
  template <boost::asio::completion_token_for<void(error_code, std::optional<message>)> Token>
  auto async_take(Token&& token) {
    object a = batch_argument();
    a["max"] = 1;
    return ask<void(error_code, std::optional<message>)>(
        "take", std::move(a),
        [](steering& self, const object& answer) { return first_of(self.take_in(answer)); },
        std::forward<Token>(token));
  }
  template <boost::asio::completion_token_for<void(error_code)> Token>
  auto async_confirm(Token&& token) {
    return ask<void(error_code)>(
        "confirm", batch_argument(), [](steering& self, const object&) { self.batch_.clear(); },
        std::forward<Token>(token));
  }
  template <boost::asio::completion_token_for<void(error_code)> Token>
  auto async_end(Token&& token) {
    return ask<void(error_code)>(
        "end", batch_argument(), [](steering& self, const object&) { self.batch_.clear(); },
        std::forward<Token>(token));
  }

 private:
  using object = boost::json::object;

  std::string text_of(object& arguments) const {
    arguments["session"] = session_;
    return boost::json::serialize(arguments);
  }
  object call(const std::string& method, object arguments) {
    std::string answer;
    try {
      answer = bus_->call("steering." + method, text_of(arguments));
    } catch (const error& e) {
      forget_if_unknown(e.code());
      throw;
    }
    object a = boost::json::parse(answer).as_object();
    if (is_lost(a))
      throw error(
          error::lease_lost, "the session '" + session_ + "', which another inbox took from, or ended, since this one took",
          "one worker at a time for a session", "leave the session, and what it took, to the other one");
    return a;
  }
  // `read` makes of the answer what the token completes with behind its error_code: a value, or nothing.
  template <class Signature, class Read, class Token>
  auto ask(const char* method, object arguments, Read read, Token&& token) {
    return boost::asio::async_initiate<Token, Signature>(
        [this, read](auto handler, const std::string& what, const std::string& json) {
          const auto executor = boost::asio::get_associated_executor(handler);
          bus_->async_call(what, json,
                           boost::asio::bind_executor(executor, [this, read, h = std::move(handler)](
                                                                    error_code ec, std::string text) mutable {
                             finish(ec, text, read, std::move(h));
                           }));
        },
        token, std::string("steering.") + method, text_of(arguments));
  }
  template <class Read, class Handler>
  void finish(error_code ec, const std::string& text, Read read, Handler handler) {
    using value = std::invoke_result_t<Read, steering&, const object&>;
    object a;
    if (ec) forget_if_unknown(ec);
    else if (a = boost::json::parse(text).as_object(); is_lost(a)) ec = make_error_code(error::lease_lost);
    if constexpr (std::is_void_v<value>) {
      if (!ec) read(*this, a);
      std::move(handler)(ec);
    } else {
      std::move(handler)(ec, ec ? value() : read(*this, a));
    }
  }

  static bool is_lost(const object& a) { return a.contains("taken_over"); }
  // It may have been done, and the batch may have another name now. An inbox without one is given again whatever was not confirmed.
  void forget_if_unknown(const error_code& ec) {
    if (ec == error::outcome_unknown || ec == error::timed_out || ec == error::cancelled) batch_.clear();
  }

  static object push_arguments(std::string_view text, const push_options& o) {
    object a{{"text", text}, {"sender", o.sender}};
    if (!o.target_agent.empty()) a["target_agent"] = o.target_agent;
    if (!o.id.empty()) a["id"] = o.id;
    if (o.front) a["front"] = true;
    if (o.is_abort) a["is_abort"] = true;
    if (o.interrupt) a["interrupt"] = true;
    return a;
  }
  object batch_argument() const { return {{"batch", batch_}}; }

  std::vector<message> take_in(const object& a) {
    auto all = messages_in(a, "items");
    batch_ = text_at(a, "batch");
    for (std::size_t i = 0; i < number_at(a, "again"); ++i) all[i].again = true;
    return all;
  }

  static std::optional<message> first_of(std::vector<message> all) {
    return all.empty() ? std::nullopt : std::optional(std::move(all.front()));
  }

  // What other programs wrote may be of any type: a text as it is, anything else as JSON.
  static std::string text_at(const object& a, std::string_view name) {
    const boost::json::value* v = a.if_contains(name);
    if (v == nullptr || v->is_null()) return {};
    return v->is_string() ? std::string(std::string_view(v->get_string())) : boost::json::serialize(*v);
  }
  static std::size_t number_at(const object& a, std::string_view name) {
    return a.at(name).to_number<std::size_t>();
  }
  static receipt receipt_in(const object& a) { return {text_at(a, "id"), text_at(a, "status")}; }
  static std::vector<message> messages_in(const object& a, std::string_view name) {
    std::vector<message> all;
    for (const boost::json::value& v : a.at(name).as_array()) {
      const object& i = v.as_object();
      all.push_back({text_at(i, "text"), text_at(i, "sender"), text_at(i, "timestamp"),
                     text_at(i, "target_agent"), text_at(i, "id"), i.at("is_abort").as_bool(),
                     i.contains("malformed")});
    }
    return all;
  }

  bus* bus_;
  std::string session_, batch_;
};

}  // namespace postbus
