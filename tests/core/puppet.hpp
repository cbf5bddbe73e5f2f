// puppet: a transport and a feature for tests of what the core says about its plugins. They do what their methods are told.
//
// A file that includes this defines POSTBUS_MODULE first, a name of its own, and registers both at its end with PUPPETS.
#pragma once

#define POSTBUS_PLUGIN_MANIFEST                                                                                                 \
  R"({"version": "1.0.0", "abi": 1, "plugins": [)"                                                                              \
  R"({"id": "puppet", "provides": ["postbus.transport/1", "postbus.control/1"], "capabilities": ["credit", "ack", "pattern"],)" \
  R"( "methods": ["garble", "deliver", "gap", "ended"]},)"                                                                      \
  R"({"id": "mood", "provides": ["postbus.interceptor/1", "postbus.control/1"], "methods": ["say", "whisper", "feel", "health"]}]})"
#include "support/bus.hpp"
#include "support/catch.hpp"

#include <postbus/testing/manual_clock.hpp>

#include <postbus/sdk/plugin.hpp>

namespace postbus::tests {

// Carries nothing; delivers what it is told to, and takes no settlement.
class puppet {
 public:
  struct subscription {
    sdk::sink to;
  };
  static constexpr std::uint32_t can = POSTBUS_CAN_CREDIT | POSTBUS_CAN_ACK | POSTBUS_CAN_PATTERN;

  explicit puppet(sdk::context&) {}
  void publish(std::span<const postbus_out>, sdk::publish_completion&& done) { done.ok(); }
  void subscribe(const postbus_sub&, const sdk::sink& to, sdk::completion<subscription*>&& done) {
    last_.to = to;
    done.ok(&last_);
  }
  void credit(subscription&, std::uint32_t) {}
  void settle(std::span<const postbus_settle>, sdk::settle_completion&& done) {
    done.fail(POSTBUS_E_UNAVAILABLE, "the strings are cut");
  }
  void unsubscribe(subscription&, sdk::completion<>&& done) { done.ok(); }

  void call(std::string_view method, std::string_view text, sdk::completion<std::string_view>&& done) {
    postbus_notice n{};
    if (method == "gap") {
      n.kind = POSTBUS_NOTICE_GAP;
      n.dropped = 3;
      last_.to.notice(n);
    } else if (method == "ended") {
      n.kind = POSTBUS_NOTICE_ENDED;
      n.reason = sdk::str("no permission");
      last_.to.notice(n);
    } else {
      auto* wire = new std::string(text);
      postbus_delivery d{};
      d.topic = sdk::str("a");
      d.token = 1;
      d.wire = {sdk::bytes(*wire), [](void* ctx) { delete static_cast<std::string*>(ctx); }, wire};
      last_.to.deliver(d);
    }
    done.ok("{}");
  }

 private:
  subscription last_;
};

// Logs, feels and answers as it is told; fails on events whose data is "fail" or "forbidden".
class mood {
 public:
  explicit mood(sdk::context& ctx)
      : ctx_(ctx), told_(ctx.metric(POSTBUS_COUNTER, "told", "Times it was told something.")) {}
  void stop(sdk::completion<>&& done) {
    held_.clear();
    done.ok();
  }
  sdk::verdict on_publish(sdk::item& i) {
    if (i.data() == "fail") throw std::runtime_error("in a bad mood");
    return i.data() == "forbidden" ? sdk::verdict::hold : sdk::verdict::pass;
  }
  void call(std::string_view method, std::string_view text, sdk::completion<std::string_view>&& done) {
    if (method == "health") {
      if (answer == "block") {
        for (entered = true; !go;) std::this_thread::yield();
        return done.ok("{}");
      }
      if (answer == "held") return held_.push_back(std::move(done));
      if (answer == "fail") return done.fail(POSTBUS_E_UNAVAILABLE, "no pulse");
      return done.ok(answer);
    }
    ctx_.add(told_);
    if (method == "say") ctx_.log(POSTBUS_LOG_WARN, text);
    else if (method == "whisper") ctx_.log(POSTBUS_LOG_DEBUG, text);
    else if (text == "well") ctx_.healthy();
    else ctx_.unwell(POSTBUS_DEGRADED, text, "a day off");
    done.ok("{}");
  }

  static inline std::string answer = "{}";                    // to "health"
  static inline std::atomic<bool> entered{false}, go{false};  // of a "block"

 private:
  sdk::context& ctx_;
  std::uint32_t told_;
  std::vector<sdk::completion<std::string_view>> held_;
};

#define PUPPETS POSTBUS_PLUGINS(POSTBUS_PLUGIN("puppet", puppet), POSTBUS_PLUGIN("mood", mood))

}  // namespace postbus::tests
