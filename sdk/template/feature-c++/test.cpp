// The feature without a bus: a fake host drives it, and aborts when it breaks a promise of plugin.h.
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
  using postbus::sdk::verdict;
  testing::fake_host host;
  const postbus_module& module = testing::load_module(PLUGIN_FILE);
  check(static_cast<bool>(host.create(module, "my-feature", {{"word", "secret"}})), "it can be created");
  check(static_cast<bool>(host.start()), "it starts");
  const auto verdict_on = [&](const char* data) {
    return host.run(POSTBUS_AT_PUBLISH, testing::event{.topic = "a", .data = data}).verdict;
  };
  check(verdict_on("a secret") == verdict::reject, "an event with the word is refused");
  check(verdict_on("hello") == verdict::pass, "one without it passes");
  check(static_cast<bool>(host.stop()), "it stops");
  return failures == 0 ? 0 : 1;
}
