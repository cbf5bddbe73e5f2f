// B: a lot at once. A million events queued, a million delayed, a hundred thousand lanes: what each event costs beside a few at once.
#include "deferring_bus.hpp"
#include "footprint.hpp"
#include "held_bus.hpp"

namespace postbus::bench {
namespace {

constexpr std::size_t few = 10'000;
const std::array<std::byte, 64> data{};

void publish_plain(bus& b, std::size_t) { b.publish("job:1", data); }

// Published so that all of them are pending before the first is due.
class publish_delayed {
 public:
  explicit publish_delayed(std::size_t at_once) : at_once_(at_once) {}
  void operator()(bus& b, std::size_t i) {
    constexpr std::int64_t for_each_ns = 5'000;
    if (i % at_once_ == 0) due_ns_ = now_ns() + for_each_ns * static_cast<std::int64_t>(at_once_);
    publish_options options;
    options.delay = std::chrono::nanoseconds(std::max<std::int64_t>(1, due_ns_ - now_ns()));
    b.publish("job:1", data, options);
  }

 private:
  std::size_t at_once_;
  std::int64_t due_ns_ = 0;
};

double ns_of_two(deferring_bus& b) {
  const std::int64_t begin = process_ns();
  b.fill(2);
  b.drain();
  return static_cast<double>(process_ns() - begin) / static_cast<double>(2 * b.keys());
}

row told(std::string id, std::string what, std::string unit, double value) {
  return {std::move(id), std::move(what), std::move(unit), value, "", {}, wanted::nothing, 0};
}
row beside(std::string id, std::string what, double ns, std::string peer, double peer_ns) {
  return {std::move(id), std::move(what), "ns", ns, std::move(peer), peer_ns, wanted::nothing, 0};
}

}  // namespace

std::vector<row> b_backlog(const settings& how) {
  const std::size_t many = how.scaled(1'000'000), keys = how.scaled(100'000),
                    plain = std::min(many, 10 * few);
  const int rounds = how.quick ? 1 : 3;  // long ones
  const std::string number = std::to_string(many);
  std::vector<row> rows;
  const auto load = [&](const std::string& id, const char* name, std::size_t n) {
    const growth g = grow_in_child(name, n);
    rows.push_back(told(id + ".close", "… and what closing with them takes, each", "ns",
                        g.close_ms * 1e6 / static_cast<double>(n)));
    return g.heap / static_cast<double>(n);
  };
  {
    held_bus deep(roomy_config()), shallow(roomy_config());
    const auto ns = take_turns(rounds, {[&] { return deep.ns_each(many, many, publish_plain); },
                                        [&] { return shallow.ns_each(plain, few, publish_plain); }});
    rows.push_back(beside("B.queued", number + " events queued, then handled", ns[0], "10000", ns[1]));
    load("B.queued", "queued", many);
  }
  {
    held_bus deep(roomy_config()), shallow(roomy_config());
    const auto ns = take_turns(rounds, {[&] { return deep.ns_each(many, many, publish_delayed(many)); },
                                        [&] { return shallow.ns_each(plain, few, publish_delayed(few)); }});
    rows.push_back(beside("B.timers", number + " events delayed, then handled", ns[0], "10000", ns[1]));
    load("B.timers", "delayed", many);
  }
  {
    deferring_bus ordered(keys, "partitionkey"), unordered(keys, "");
    const auto ns =
        take_turns(rounds, {[&] { return ns_of_two(ordered); }, [&] { return ns_of_two(unordered); }});
    rows.push_back(beside("B.lanes",
                          std::to_string(keys) + " lanes, each with an event deferred and one behind it",
                          ns[0], "without ordered_by", ns[1]));
    const double in_lanes = load("B.lanes", "lanes", keys);
    const double alone = grow_in_child("deferred", keys).heap / static_cast<double>(keys);
    rows.push_back(
        told("B.lanes.bytes", "… a lane, beside the deferred event that holds it", "B", in_lanes - alone));
    rows.push_back(told("B.deferred.bytes", "… that event: a deferred one of 64 B", "B", alone));
  }
  return rows;
}

}  // namespace postbus::bench
