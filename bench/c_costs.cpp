// C: what one thing more costs an event on its way from publish to the handler: an order by key, features, a delay, a time to live.
#define POSTBUS_MODULE bench_features_module
#define POSTBUS_PLUGIN_MANIFEST                                \
  R"({"version": "1.0.0", "abi": 1, "plugins": [)"             \
  R"({"id": "looks", "provides": ["postbus.interceptor/1"]},)" \
  R"({"id": "hears", "provides": ["postbus.interceptor/1"]}]})"
#include "held_bus.hpp"

#include <postbus/sdk/plugin.hpp>

#include <array>

namespace postbus::bench {
namespace {

class looks {
 public:
  explicit looks(sdk::context&) {}
  sdk::verdict on_deliver(sdk::item&) { return sdk::verdict::pass; }
};

class hears {
 public:
  explicit hears(sdk::context&) {}
  sdk::verdict on_deliver(sdk::item&) { return sdk::verdict::pass; }
  sdk::verdict on_settled(sdk::item&) { return sdk::verdict::pass; }
};

}  // namespace
}  // namespace postbus::bench

POSTBUS_PLUGINS(POSTBUS_PLUGIN("looks", postbus::bench::looks),
                POSTBUS_PLUGIN("hears", postbus::bench::hears))

namespace postbus::bench {

std::vector<row> c_costs(const settings& how) {
  using namespace std::chrono_literals;
  const std::array<std::byte, 64> data{};
  const std::size_t n = how.scaled(200'000), at_once = 10'000;
  publish_options none, delay, ttl;
  delay.delay = 1ms;
  ttl.ttl = 1h;
  subscribe_options by_key;
  by_key.ordered_by = "param:user";
  const auto with = [](std::string_view feature) {
    return roomy_config().module(bench_features_module).feature(feature);
  };
  held_bus plain(roomy_config(), "job:{user}"), ordered(roomy_config(), "job:{user}", by_key);
  held_bus looked(with("looks"), "job:{user}"), heard(with("hears"), "job:{user}");
  held_bus once(
      roomy_config().feature("dedup").set("store.plugin", "memory-store").set("plugin.dedup.window", "1s"),
      "job:{user}");
  const std::array<topic, 8> topics{topic("job:1"), topic("job:2"), topic("job:3"), topic("job:4"),
                                    topic("job:5"), topic("job:6"), topic("job:7"), topic("job:8")};
  const auto contestant = [&](held_bus& b, const publish_options& o) {
    return [&, n] {
      return b.ns_each(n, at_once,
                       [&](bus& to, std::size_t i) { to.publish(topics[i % topics.size()], data, o); });
    };
  };
  const auto ns =
      take_turns(how.rounds(), {contestant(plain, none), contestant(ordered, none), contestant(looked, none),
                                contestant(heard, none), contestant(once, none), contestant(plain, delay),
                                contestant(plain, ttl)});
  const auto beside = [&](const char* id, const char* what, double value) {
    return row{id, what, "ns", value, "C.plain", ns[0], wanted::nothing, 0};
  };
  return {
      {"C.plain", "publish, then handle, queued, 64 B, CPU of both", "ns", ns[0], "", {}, wanted::nothing, 0},
      beside("C.ordered_by", "… ordered by one of eight users", ns[1]),
      beside("C.feature", "… past a feature that looks at deliveries", ns[2]),
      beside("C.settled", "… and is told how each ended", ns[3]),
      beside("C.dedup", "… claimed and done, dedup with memory-store", ns[4]),
      beside("C.delay", "… with a delay of 1 ms", ns[5]),
      beside("C.ttl", "… with a ttl", ns[6])};
}

}  // namespace postbus::bench
