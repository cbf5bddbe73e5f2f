// brake: pausing a user's work, that of a pattern, or all of it, for a bus whose configuration has the feature "brake" (docs/brake.md).
//
//   postbus::brake brake(bus);
//   const auto r = brake.pause(postbus::brake::key("42"));   // in every process that shares the store
//   if (r.state != postbus::brake::paused)                   // what still runs, and who has not confirmed
//     for (const auto& w : r.working) log(w.process, w.topic, w.id);
//   brake.resume(postbus::brake::key("42"));
//
// Each call asks the plugin and waits for its answer, as bus.call() does. They throw what bus.call() throws: unavailable (the store is out
// of reach; a pause may then be entered, or not), bad_argument, failed (the scope is not in the epoch that the options name),
// no_such_method (the bus has no brake).
#pragma once

#include <postbus/bus.hpp>

#include <boost/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postbus {

// Costs nothing to make; from any thread. Its bus outlives it.
class brake {
 public:
  // What is paused.
  class scope {
   public:
    scope(const char* kind, boost::json::value value) : json_{{kind, std::move(value)}} {}
    const boost::json::object& json() const noexcept { return json_; }

   private:
    boost::json::object json_;
  };
  // The value of the configured key: with key = "param:user_id", a user.
  static scope key(std::string_view value) { return scope("key", boost::json::value(value)); }
  // Topics, of any key.
  static scope pattern(std::string_view pattern) { return scope("pattern", boost::json::value(pattern)); }
  static scope all() { return scope("all", true); }

  enum state_t { running, pausing, paused, partial, resuming };
  struct work {
    std::string process, topic, id;
    bool is_unverified = false;  // its registration lapsed: nobody knows whether it runs
  };
  struct report {
    state_t state = running;
    std::int64_t epoch = 0;  // of the last pause or resume; 0: there never was one
    std::string actor, activated_at;
    std::vector<work> working;             // what is registered of the scope
    std::vector<std::string> unconfirmed;  // processes that live and have not confirmed the epoch
    std::uint64_t parked = 0;              // deliveries set aside, as far as processes have told
  };
  struct options {
    std::string actor{};                  // who does it, for those who ask later
    std::optional<std::int64_t> epoch{};  // only if the scope is still in this epoch
  };

  explicit brake(bus& b) noexcept : bus_(&b) {}

  // Returns when every process that lives has confirmed: from then on no handler of the scope starts. After confirm_within (2 s) it returns
  // with those that have not, and the state is pausing. Of a scope that is paused: the same, and nothing changes.
  report pause(const scope& what) { return ask("pause", what, options()); }
  report pause(const scope& what, const options& o) { return ask("pause", what, o); }
  // Returns when every process has let go, after confirm_within in any case.
  report resume(const scope& what) { return ask("resume", what, options()); }
  report resume(const scope& what, const options& o) { return ask("resume", what, o); }
  report status(const scope& what) { return ask("status", what, options()); }
  // What has lapsed does not run, says who calls: it is not waited for any more, and what it still answers or publishes is refused. Returns
  // how many there were.
  std::size_t confirm_unverified(const scope& what) {
    return boost::json::parse(bus_->call("brake.confirm_unverified", boost::json::serialize(what.json())))
        .at("confirmed")
        .to_number<std::size_t>();
  }

 private:
  report ask(std::string_view method, const scope& what, const options& o) {
    boost::json::object arguments = what.json();
    if (!o.actor.empty()) arguments["actor"] = o.actor;
    if (o.epoch) arguments["epoch"] = *o.epoch;
    return report_in(bus_->call("brake." + std::string(method), boost::json::serialize(arguments)));
  }
  static report report_in(std::string_view text) {
    const boost::json::value v = boost::json::parse(text);
    report r;
    r.state = state_named(v.at("state").as_string());
    r.epoch = v.at("epoch").as_int64();
    r.actor = v.at("actor").as_string().c_str();
    r.activated_at = v.at("activated_at").as_string().c_str();
    r.parked = v.at("parked").to_number<std::uint64_t>();
    for (const auto& w : v.at("running").as_array())
      r.working.push_back({w.at("process").as_string().c_str(), w.at("topic").as_string().c_str(),
                           w.at("id").as_string().c_str(), w.at("unverified").as_bool()});
    for (const auto& process : v.at("unconfirmed").as_array())
      r.unconfirmed.emplace_back(process.as_string().c_str());
    return r;
  }
  static state_t state_named(std::string_view name) noexcept {
    if (name == "pausing") return pausing;
    if (name == "paused") return paused;
    if (name == "partial") return partial;
    return name == "resuming" ? resuming : running;
  }

  bus* bus_;
};

}  // namespace postbus
