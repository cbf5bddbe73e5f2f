// P6: what a feature adds to an event that it lets by.
#include "fan.hpp"
#include "harness.hpp"

namespace postbus::bench {
namespace {

constexpr std::size_t together = 64;

// Nobody listens: what is measured is the way down.
class publisher {
 public:
  explicit publisher(config c) : bus_(c.set("transport.dispatch", "inline")) {
    for (message& m : batch_) m = {fan_topic, fan_data};
  }
  void publish() { bus_.publish(fan_topic, fan_data); }
  void publish_together() { bus_.publish(batch_, results_); }

 private:
  std::array<message, together> batch_;
  std::array<publish_result, together> results_;
  bus bus_;
};

config lets_by() {
  return config().intercept(
      "lets-by", [](interception&) {}, stages::publish);
}

config with_brake() {
  return config()
      .feature("brake")
      .set("store.plugin", "memory-store")
      .set("plugin.brake.topics", R"(["agent:*:{user_id}"])")
      .set("plugin.brake.key", "param:user_id");
}

config with_dedup() {
  return inline_config()
      .feature("dedup")
      .set("store.plugin", "memory-store")
      .set("plugin.dedup.window", "1s");  // so that keys also expire
}

// One bus whose events are all new, and one whose events are all the same.
class copies {
 public:
  copies() : bus_(with_dedup()), subscription_(bus_.subscribe(fan_topic, [](const delivery&) {})) {
    same_.id = "7";
    publish();
  }
  void publish() { bus_.publish(fan_topic, fan_data, same_); }

 private:
  publish_options same_;
  bus bus_;
  subscription subscription_;
};

}  // namespace

std::vector<row> p6_features(const settings& how) {
  const std::size_t n = how.scaled(20'000);
  publisher bare{config()}, asked(lets_by()), braked(with_brake());
  fan without(inline_config(), 1), with(with_dedup(), 1);
  copies known;
  const auto t = take_turns(
      how.rounds(), {[&] { return ns_each(n, [&] { bare.publish(); }); },
                     [&] { return ns_each(n, [&] { asked.publish(); }); },
                     [&] { return ns_each(n / together, [&] { bare.publish_together(); }) / together; },
                     [&] { return ns_each(n / together, [&] { asked.publish_together(); }) / together; },
                     [&] { return ns_each(n, [&] { braked.publish(); }); },
                     [&] { return ns_each(n / together, [&] { braked.publish_together(); }) / together; },
                     [&] { return ns_each(n, [&] { without.publish(); }); },
                     [&] { return ns_each(n, [&] { with.publish(); }); },
                     [&] { return ns_each(n, [&] { known.publish(); }); }});
  const auto adds = [](const char* id, const char* what, double ns, double most) {
    return row{id, what, "ns", ns, "", {}, wanted::value_at_most, most};
  };
  return {adds("P6.alone", "a feature that lets a publish by", t[1] - t[0], 30),
          adds("P6.64", "the same, 64 together", t[3] - t[2], 10),
          adds("P6.brake", "the brake, nothing paused, at a publish", t[4] - t[0], 30),
          adds("P6.brake.64", "the same, 64 together", t[5] - t[2], 10),
          adds("P6.dedup", "dedup: claim and done of a delivery, memory-store", t[7] - t[6], 200),
          adds("P6.dedup.copy", "dedup: a copy that this process knows", t[8] - t[6], 200)};
}

}  // namespace postbus::bench
