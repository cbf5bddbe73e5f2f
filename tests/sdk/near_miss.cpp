// A transport, feature and store that is right; with one of the macros it has a flaw, and must not compile (see CMakeLists.txt).
#define POSTBUS_PLUGIN_MANIFEST "{}"
#include <postbus/sdk/plugin.hpp>

#include <cstdint>

namespace {

namespace sdk = postbus::sdk;

struct everything {
  struct subscription {};
#ifdef CREDIT_NOT_DECLARED
  static constexpr std::uint32_t can = 0;
#else
  static constexpr std::uint32_t can = POSTBUS_CAN_CREDIT;
#endif

  explicit everything(sdk::context&) {}
  void publish(std::span<const postbus_out>, sdk::publish_completion&& done) { done.ok(); }
  void subscribe(const postbus_sub&, const sdk::sink&, sdk::completion<subscription*>&& done) {
    done.ok(&one);
  }
#ifndef NO_UNSUBSCRIBE
  void unsubscribe(subscription&, sdk::completion<>&& done) { done.ok(); }
#endif
  void credit(subscription&, std::uint32_t) {}
#ifdef DATA_MAX_NOT_NOEXCEPT
  std::uint64_t data_max() const { return 1000; }
#else
  std::uint64_t data_max() const noexcept { return 1000; }
#endif
#ifdef VERDICT_IS_BOOL
  bool on_publish(sdk::item&) { return true; }
#else
  sdk::verdict on_publish(sdk::item&) { return sdk::verdict::pass; }
#endif
#ifdef EXECUTE_WITHOUT_COMPLETION
  void execute(std::span<const postbus_op>) {}
#else
  void execute(std::span<const postbus_op>, sdk::store_completion&& done) { done.ok(); }
#endif
  void watch(std::string_view, const sdk::watcher&, sdk::completion<std::uint64_t>&& done) { done.ok(1); }
#ifndef NO_UNWATCH
  void unwatch(std::uint64_t, sdk::completion<>&& done) { done.ok(); }
#endif
#ifdef STOP_WITHOUT_COMPLETION
  void stop() {}
#else
  void stop(sdk::completion<>&& done) { done.ok(); }
#endif

  subscription one;
};

}  // namespace

POSTBUS_PLUGINS(POSTBUS_PLUGIN("everything", everything))
