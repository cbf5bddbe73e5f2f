#include "world.hpp"

#include <algorithm>
#include <cstdio>

namespace postbus::tests {
namespace {

namespace json = boost::json;

constexpr const char* calm = R"({"stall": 0, "unknown": 0})";
constexpr std::string_view user = R"({"key": "42"})";

unsigned number_of(std::string_view text) { return static_cast<unsigned>(std::stoul(std::string(text))); }

}  // namespace

world::world(std::uint64_t seed, bool tells)
    : clock_(seed), random_(seed), tells_(tells), instance_("brake-" + std::to_string(seed)) {
  clock_.explore();
  answers_ = one_in(2) ? "later" : "at-once";
  for (std::size_t i = 0; i < buses; ++i) open(i);
  watch_ = std::make_unique<bus>(config_for("memory").set("transport.instance", instance_).clock(clock_));
  changes_ = watch_->subscribe("agent:status:42", [this](const delivery& d) { hear(d); });
}

void world::hear(const delivery& d) {
  const json::value what = d.json();
  tell("told " + json::serialize(what));
  if (what.at("type").as_string() != "system.brake.paused" || resumes_ ||
      what.at("epoch").as_int64() < resumed_)
    return;
  if (running() > 0) complain("paused is told, and something runs");
  if (!is_frozen_) ++seen.completed;
  is_frozen_ = true;
}

void world::open(std::size_t i) {
  member& m = members_[i];
  m.b = std::make_unique<bus>(config_for("memory")
                                  .name("bus-" + std::to_string(i))
                                  .feature("brake")
                                  .set("transport.instance", instance_)
                                  .set("store.plugin", "memory-store")
                                  .set("store.instance", instance_)
                                  .set("store.answers", answers_)
                                  .set("store.wrappers", "[\"faults-store\"]")
                                  .set("plugin.faults-store.seed", std::to_string(below(1'000'000)))
                                  .set("plugin.brake.topics", "[\"jobs:{user_id}:*\"]")
                                  .set("plugin.brake.key", "param:user_id")
                                  .set("plugin.brake.process", "p" + std::to_string(i))
                                  .clock(clock_));
  m.is_away = false;
  subscribe_options o;
  o.group = "workers";
  o.backoff = {100ms, 1, 100ms};
  m.s = m.b->subscribe(
      "jobs:{user_id}:*", [this, i](const delivery& d) { handle(i, d); }, o);
}

void world::handle(std::size_t i, const delivery& d) {
  const unsigned number = number_of(d.text());
  ++seen.starts;
  const bool is_ours = d.param("user_id") == "42";
  tell("bus " + std::to_string(i) + " starts " + std::string(d.topic()));
  if (is_ours && is_frozen_) complain(std::string(d.topic()) + " starts after the pause completed");
  if (!started_.insert(number).second) again_.insert(number);
  if (is_ours && !is_disturbed_ && !again_.contains(number)) {
    unsigned& last = members_[i].last[stretch_of_[number]];
    if (number < last) complain(std::string(d.topic()) + " starts behind " + std::to_string(last));
    last = number;
  }
  if (keeps_ && one_in(8))
    kept_.push_back(
        {members_[i].b.get(), std::string(d.topic()), std::string(d.param("user_id")), d.defer()});
  else acked_.insert(number);
}

std::size_t world::running() const {
  return static_cast<std::size_t>(
      std::count_if(kept_.begin(), kept_.end(), [](const kept& k) { return k.user == "42"; }));
}

void world::publish(std::string_view who, unsigned n) {
  bus& b = *members_[below(buses)].b;
  for (; n > 0; --n) {
    const unsigned number = ++numbers_;
    error_code ec;
    stretch_of_[number] = stretch_;
    b.publish("jobs:" + std::string(who) + ":" + std::to_string(number), std::to_string(number), {}, ec);
    if (!ec) published_.insert(number);
    else if (ec == error::paused) ++seen.refused_publishes;
    else complain("a publish fails: " + ec.message());
  }
}

std::optional<json::object> world::call(std::size_t i, std::string_view method) {
  try {
    return json::parse(members_[i].b->call("brake." + std::string(method), user)).as_object();
  } catch (const error& e) {
    tell(std::string(method) + ": " + e.what());
    if (e.code() != error::unavailable && e.code() != error::timed_out && e.code() != error::outcome_unknown)
      complain(e.what());
    return std::nullopt;
  }
}

void world::pause() {
  ++seen.pauses;
  const std::size_t i = below(buses);
  tell("pause by bus " + std::to_string(i));
  if (one_in(3)) {
    error_code ec;
    members_[i].b->publish("agent:pause:42", "", {}, ec);
    return;
  }
  if (const auto answer = call(i, "pause")) judge(*answer);
}

void world::resume() {
  is_frozen_ = false;
  const std::size_t i = below(buses);
  tell("resume by bus " + std::to_string(i));
  // Not by an event: a bus that cannot reach the store now would obey it later, whatever came between.
  ++stretch_;
  resumes_ = true;
  if (const auto answer = call(i, "resume")) resumed_ = answer->at("epoch").as_int64();
  else clock_.advance(20s);  // one that is still under way is obeyed by then, or never
  resumes_ = false;
}

void world::look() {
  if (const auto status = call(below(buses), "status")) judge(*status);
}

void world::judge(const json::object& status) {
  const std::string state(status.at("state").as_string());
  const auto& listed = status.at("running").as_array();
  const bool is_confirmed = status.at("unconfirmed").as_array().empty();
  tell("status " + json::serialize(status));
  if (!is_confirmed) ++seen.unconfirmed;
  if (state != "pausing" && state != "paused" && state != "partial") return;
  if (is_confirmed && !is_frozen_) {
    is_frozen_ = true;
    ++seen.completed;
  }
  if (state == "partial") ++seen.partial;
  if (state == "paused" && running() > 0) complain("it is said to be paused, and something runs");
  for (const auto& one : listed) seen.lapsed += one.at("unverified").as_bool() ? 1u : 0u;
  if (!is_confirmed) return;
  for (const kept& k : kept_) {
    if (k.user != "42") continue;
    ++seen.stragglers;
    if (std::none_of(listed.begin(), listed.end(),
                     [&](const auto& one) { return one.at("topic").as_string() == k.topic; }))
      complain(k.topic + " runs and is not listed");
  }
}

void world::finish(std::uint64_t one_of) {
  std::vector<kept> rest;
  for (kept& k : kept_) {
    if (!one_in(one_of)) {
      rest.push_back(std::move(k));
      continue;
    }
    error_code ec;
    const unsigned number = number_of(std::string_view(k.topic).substr(k.topic.rfind(':') + 1));
    again_.insert(number);  // its answer may be refused, and it comes again
    k.answer.ack(ec);
    acked_.insert(number);
  }
  kept_ = std::move(rest);
}

void world::away(std::size_t i, bool is_away) {
  tell("bus " + std::to_string(i) + (is_away ? " is away" : " is back"));
  members_[i].is_away = is_away;
  is_disturbed_ = true;
  members_[i].b->call("faults-store.set", is_away ? R"({"fail": 1})" : R"({"fail": 0})");
}

// A bus ends, and another one takes its place: with it goes what it had not started.
void world::replace(std::size_t i) {
  if (members_[i].is_away ||
      std::any_of(kept_.begin(), kept_.end(), [&](const kept& k) { return k.where == members_[i].b.get(); }))
    return;
  members_[i].b->call("faults-store.set", calm);
  clock_.advance(3s);  // commands that wait to be confirmed are answered by then
  tell("bus " + std::to_string(i) + " is replaced");
  if (std::any_of(kept_.begin(), kept_.end(), [&](const kept& k) { return k.where == members_[i].b.get(); }))
    return;
  ++seen.replaced;
  take_from(i);
  if (!members_[i].b->close().clean) complain("the close was not clean");
  members_[i].b.reset();
  open(i);
}

// Its subscription ends: what it had not started goes to others, who may have it in any order.
void world::take_from(std::size_t i) {
  for (const unsigned number : published_)
    if (!started_.contains(number)) again_.insert(number);
  members_[i].s.reset();
}

// For all that others know its process has crashed: what it registered stays, until it lapses, and is nobody's to take back.
void world::hang(std::size_t i) {
  if (hung_.size() == buses) return;
  away(i, true);
  tell("bus " + std::to_string(i) + " hangs");
  ++seen.hung;
  take_from(i);
  hung_.push_back(std::move(members_[i].b));
  open(i);
}

void world::step() {
  const std::size_t i = below(buses);
  switch (below(13)) {
    case 0:
    case 1:
      return publish("42", 1 + static_cast<unsigned>(below(40)));
    case 2:
      return publish("7", 1 + static_cast<unsigned>(below(10)));
    case 3:
      return pause();
    case 4:
      return resume();
    case 5:
      return finish(2);
    case 6:
      return away(i, true);
    case 7:
      return away(i, false);
    case 8: {
      static constexpr const char* moods[] = {R"({"stall": 0.3, "stall_max": "300ms"})",
                                              R"({"unknown": 0.1})", calm};
      members_[i].b->call("faults-store.set", moods[below(3)]);
      is_disturbed_ = true;
      return;
    }
    case 9:
      return one_in(3) ? replace(i) : look();
    case 10:
      return one_in(4) ? hang(i) : look();
    default:
      return look();
  }
}

void world::run() {
  publish("42", 200);
  publish("7", 20);
  if (one_in(2)) {  // some have started
    error_code ec;
    members_[0].b->publish("agent:pause:42", "", {}, ec);
    clock_.run_until_idle();
  } else {
    if (published_.size() - started_.size() < 64) complain("fewer than 64 wait when the brake is pulled");
    pause();
  }
  for (int n = 0; n < 60; ++n) {
    step();
    if (one_in(2)) clock_.run_until_idle();
    else clock_.advance(std::chrono::milliseconds(below(8'000)));
    if (one_in(4)) look();
  }
  end();
}

void world::end() {
  for (std::size_t i = 0; i < buses; ++i) {
    members_[i].b->call("faults-store.set", R"({"fail": 0, "stall": 0, "unknown": 0})");
    members_[i].is_away = false;
  }
  for (const auto& b : hung_) b->call("faults-store.set", R"({"fail": 0, "stall": 0, "unknown": 0})");
  keeps_ = false;
  clock_.advance(20s);
  resume();
  for (int n = 0; n < 4; ++n) {
    finish(1);
    clock_.advance(20s);
  }
  const auto status = call(0, "status");
  if (!status || status->at("state") != "running") complain("it does not run in the end");
  else if (!status->at("running").as_array().empty())
    complain("registered in the end: " + json::serialize(status->at("running")));
  for (const unsigned number : published_)
    if (!acked_.contains(number)) complain(std::to_string(number) + " is lost");
  for (member& m : members_) {
    m.s.reset();
    if (!m.b->close().clean) complain("the close was not clean");
    m.b.reset();
  }
  for (const auto& b : hung_)
    if (!b->close().clean) complain("the close of one that hung was not clean");
  hung_.clear();
  changes_.reset();
  watch_.reset();
  if (clock_.pending_timers() != 0) complain("timers are pending in the end");
}

void world::complain(const std::string& what) {
  tell("WRONG: " + what);
  complaints.push_back(what);
}

void world::tell(const std::string& what) {
  if (tells_) std::printf("%9.3f s  %s\n", static_cast<double>(clock_.now_ns()) / 1e9, what.c_str());
}

}  // namespace postbus::tests
