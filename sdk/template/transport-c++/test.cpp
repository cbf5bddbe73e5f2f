// The transport without a bus: a fake host drives it, and aborts when it breaks a promise of plugin.h. `postbus check` does the rest.
#include <postbus/testing/fake_host.hpp>

#include <cstdio>

namespace {

int failures = 0;
void check(bool holds, const char* sentence) {
  if (holds) return;
  std::printf("failed: %s\n", sentence);
  ++failures;
}

}  // namespace

int main() {
  namespace testing = postbus::testing;
  testing::recording_sink sink;
  testing::fake_host host;
  check(static_cast<bool>(host.create(testing::load_module(PLUGIN_FILE), "my-transport", {{"queue_max", 2}})),
        "it can be created");
  check(static_cast<bool>(host.start()), "it starts");
  const auto subscribed = host.subscribe("a", sink, {.credit = 1});
  check(static_cast<bool>(subscribed), "it can be subscribed to");
  for (const char* data : {"1", "2", "3"})
    check(static_cast<bool>(host.publish(testing::event{.topic = "a", .data = data})),
          "a publish is confirmed");
  check(sink.data() == std::vector<std::string>{"1"}, "it delivers no more than it has credit for");
  check(host.publish(testing::event{.topic = "a", .data = "4"}).statuses().front() == POSTBUS_E_FULL,
        "past queue_max there is no room");
  host.credit(subscribed.pointer(), 8);
  check(sink.data() == std::vector<std::string>{"1", "2", "3"}, "more credit brings what waits, in order");
  check(static_cast<bool>(host.quiesce(subscribed.pointer())), "a subscription becomes quiet");
  check(static_cast<bool>(host.unsubscribe(subscribed.pointer())), "it can be ended");
  check(static_cast<bool>(host.stop()), "it stops");
  return failures == 0 ? 0 : 1;
}
