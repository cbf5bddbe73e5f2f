// The loads whose footprint is measured: what each puts into a bus, and that close() takes it out again.
#include "deferring_bus.hpp"
#include "engine/runtime.hpp"
#include "footprint.hpp"
#include "held_bus.hpp"

#include <cstdio>
#include <map>

namespace postbus::bench {
namespace {

using namespace std::chrono_literals;

const std::array<std::byte, 64> data{};

// What was added since it was made.
class meter {
 public:
  growth read() const { return {heap_in_use() - heap_, resident() - rss_, 0}; }

 private:
  double heap_ = heap_in_use(), rss_ = resident();
};

// Closes at once, as a program does that ends; a handler that is held is asked to stop.
close_report close(bus& b, growth& g) {
  const std::int64_t begin = now_ns();
  const close_report report = b.close(0s);
  g.close_ms = static_cast<double>(now_ns() - begin) / 1e6;
  const delivery_counts c = report.total();
  if (!report.clean || c.taken_on != c.acked + c.given_back) broken("close() left something");
  return report;
}

growth idle(std::size_t) {
  const meter before;
  bus b;
  growth g = before.read();
  close(b, g);
  return g;
}

growth subscribed(std::size_t n) {
  bus b;
  std::vector<subscription> all;
  all.reserve(n);
  const meter before;
  for (std::size_t i = 0; i < n; ++i)
    all.push_back(b.subscribe("agent:status:" + std::to_string(i), [](const delivery&) {}));
  growth g = before.read();
  close(b, g);
  return g;
}

growth publish_held(std::size_t n, const publish_options& how, const subscribe_options& options = {}) {
  held_bus b(roomy_config(), "agent:status:*", options);
  b.hold();
  const meter before;
  for (std::size_t i = 0; i < n; ++i) b.get().publish("agent:status:42", data, how);
  growth g = before.read();
  const close_report report = close(b.get(), g);
  if ((how.delay ? report.delayed : report.published) != n) broken("close() does not know them all");
  return g;
}

growth queued(std::size_t n) { return publish_held(n, {}); }

growth queued_in_a_group(std::size_t n) {
  subscribe_options options;
  options.group = "workers";
  return publish_held(n, {}, options);
}

growth delayed(std::size_t n) {
  publish_options how;
  how.delay = 1h;
  return publish_held(n, how);
}

growth timers(std::size_t n) {
  const auto rt = detail::make_thread_runtime(1, false);
  std::size_t cancelled = 0;
  const auto over = [](void* count, std::int32_t, const void*, const postbus_error*) {
    ++*static_cast<std::size_t*>(count);
  };
  const meter before;
  for (std::size_t i = 0; i < n; ++i) rt->timer(3'600'000'000'000, {over, &cancelled});
  growth g = before.read();
  rt->stop();
  if (cancelled != n) broken("a timer was lost");
  return g;
}

growth defer(std::size_t n, std::string_view ordered_by) {
  deferring_bus b(n, ordered_by);
  const meter before;
  b.fill(1);
  growth g = before.read();
  b.drain();
  close(b.get(), g);
  return g;
}

growth deferred(std::size_t n) { return defer(n, ""); }
growth lanes(std::size_t n) { return defer(n, "partitionkey"); }

}  // namespace

bool run_load(std::string_view load, std::size_t n) {
  static const std::map<std::string_view, growth (*)(std::size_t)> all{
      {"idle", &idle},         {"subscribed", &subscribed},
      {"queued", &queued},     {"group", &queued_in_a_group},
      {"delayed", &delayed},   {"timers", &timers},
      {"deferred", &deferred}, {"lanes", &lanes}};
  const auto found = all.find(load);
  if (found == all.end()) return false;
  const growth first = found->second(n);
  // Pools and arenas keep what they once had; a second time takes nothing more, unless close() or the bus's end left something.
  const double kept = heap_in_use();
  found->second(n);
  if (heap_in_use() - kept > 0.05 * first.heap + 65'536)
    broken("the load " + std::string(load) + " leaves memory behind");
  std::printf("%.0f %.0f %.3f\n", first.heap, first.rss, first.close_ms);
  return true;
}

}  // namespace postbus::bench
