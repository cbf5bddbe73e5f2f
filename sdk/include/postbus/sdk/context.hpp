// context: what the host gives to one plugin instance: its settings, log, health, clock and events. Valid as long as the
// instance. All of it may be called from any thread, with a lock held, but for metric(): that belongs into the constructor.
#pragma once

#include <postbus/sdk/completion.hpp>
#include <postbus/sdk/guard.hpp>

#include <chrono>
#include <memory>

namespace postbus::sdk {

class context {
 public:
  context(const postbus_host* host, in_flight& owed, std::string_view config = {}) noexcept
      : host_(host), owed_(owed), config_(config) {
    runtime_ = service<postbus_runtime>("postbus.runtime/1", &runtime_self_);
    settings_ = service<postbus_settings>("postbus.settings/1", &settings_self_);
    metrics_ = service<postbus_metrics>("postbus.metrics/1", &metrics_self_);
  }
  context(const context&) = delete;
  context& operator=(const context&) = delete;

  // ---- settings: checked against the schema of plugin.json, defaults filled in. A name that the schema does not have, or has
  // with another type, throws failure{POSTBUS_E_INVALID}.
  std::int64_t integer(std::string_view name) const {
    std::int64_t value = 0;
    return check(settings().integer(settings_self_, str(name), &value), name), value;
  }
  double number(std::string_view name) const {
    double value = 0;
    return check(settings().number(settings_self_, str(name), &value), name), value;
  }
  bool boolean(std::string_view name) const {
    std::int32_t value = 0;
    return check(settings().boolean(settings_self_, str(name), &value), name), value != 0;
  }
  std::string_view text(std::string_view name) const {
    postbus_str value{};
    return check(settings().text(settings_self_, str(name), &value), name), view(value);
  }
  // A setting of format "duration".
  std::chrono::nanoseconds duration(std::string_view name) const {
    return std::chrono::nanoseconds{integer(name)};
  }
  // All of them as one JSON object, for what the functions above cannot give: lists and tables. In the constructor only.
  std::string_view config() const noexcept { return config_; }

  // ---- log and health. The line carries the plugin's name; one line per burst, not per event.
  bool logs(std::int32_t level) const noexcept { return host_->log_enabled(host_, level) != 0; }
  void log(std::int32_t level, std::string_view message) const noexcept {
    host_->log(host_, level, str(message));
  }
  void healthy() const noexcept { host_->state(host_, POSTBUS_HEALTHY, {}, {}); }
  void unwell(std::int32_t health, std::string_view reason, std::string_view remedy) const noexcept {
    host_->state(host_, health, str(reason), str(remedy));
  }

  // ---- events
  // The event for longer than this call; empty when there is no memory.
  kept_event keep(const postbus_event& event) const noexcept {
    return {host_, host_->event_keep(host_, &event)};
  }
  // Lets go of a reference that kept_event::release() gave out. Any instance of any bus of this process may do it.
  void release(const postbus_event* event) const noexcept { host_->event_release(host_, event); }
  // A new event from `fields`, everything copied; empty when there is no memory.
  kept_event make(postbus_event fields) const noexcept {
    fields.size = sizeof fields;
    return {host_, host_->event_new(host_, &fields, nullptr)};
  }
  // Makes the event's id and time where it has none yet, for who did not declare POSTBUS_NEED_ID.
  void fill(const postbus_event& event) const noexcept { host_->event_fill(host_, &event); }

  // ---- time and threads. What the callbacks throw is logged, and ends there. Not from the constructor; from start() on.
  std::int64_t now_ns() const noexcept { return runtime_->now_ns(runtime_self_); }
  std::int64_t wall_ns() const noexcept { return runtime_->wall_ns(runtime_self_); }
  std::uint64_t random() const noexcept { return runtime_->random(runtime_self_); }
  // Runs f() soon, on a thread of the host's. Throws bad_alloc.
  template <class F>
  void post(F f) {
    auto* task = new boxed<F>(std::move(f), *this);
    runtime_->post(
        runtime_self_, [](void* ctx) { boxed<F>::run(ctx, POSTBUS_OK, nullptr, nullptr); }, task);
  }
  // Runs f() once after `delay`, perhaps before this returns; unless cancelled before, by cancel() or when the plugin is stopped.
  template <class F>
  std::uint64_t timer(std::chrono::nanoseconds delay, F f) {
    return runtime_->timer(runtime_self_, delay.count(), {&boxed<F>::run, new boxed<F>(std::move(f), *this)});
  }
  void cancel(std::uint64_t timer) const noexcept { runtime_->cancel(runtime_self_, timer); }
  // Runs f() once every [hot] call into a plugin of this bus that runs now has returned: what was unlinked from shared structures
  // before can be freed then, and [hot] functions may read them without a lock. Throws bad_alloc.
  template <class F>
  void after_grace_period(F f) {
    runtime_->grace_period(runtime_self_, {&boxed<F>::run, new boxed<F>(std::move(f), *this)});
  }

  // ---- metrics, for the constructor. Names as Prometheus has them: snake_case, unit last, counters end in _total.
  std::uint32_t metric(std::int32_t kind, std::string_view name, std::string_view help) const noexcept {
    return metrics_ != nullptr ? metrics_->define(metrics_self_, kind, str(name), str(help)) : 0;
  }
  void add(std::uint32_t metric, std::int64_t value = 1) const noexcept {
    if (metrics_ != nullptr) metrics_->add(metrics_self_, metric, value);
  }

  // A table of the host's by its id ("postbus.publish/1"), or nullptr; *self is its first argument.
  template <class Table>
  const Table* service(const char* id, void** self) const noexcept {
    return static_cast<const Table*>(host_->service(host_, id, self));
  }
  const postbus_host* host() const noexcept { return host_; }
  in_flight& owed() const noexcept { return owed_; }

 private:
  // Counts as owed until its callable is gone.
  struct share {
    explicit share(in_flight& owed) : owed_(owed) { owed.retain(); }
    share(const share&) = delete;
    share& operator=(const share&) = delete;
    ~share() { owed_.release(); }
    in_flight& owed_;
  };
  template <class F>
  struct boxed {
    share counted;
    context& ctx;
    F f;
    boxed(F g, context& c) : counted(c.owed_), ctx(c), f(std::move(g)) {}
    // The box goes whether the done says OK or CANCELLED; only OK calls f.
    static void run(void* box, std::int32_t status, const void*, const postbus_error*) {
      const std::unique_ptr<boxed> mine(static_cast<boxed*>(box));
      if (status == POSTBUS_OK)
        detail::guarded(mine->f,
                        [&](std::int32_t, std::string_view what) { mine->ctx.log(POSTBUS_LOG_ERROR, what); });
    }
  };
  const postbus_settings& settings() const {
    if (settings_ == nullptr) throw failure(POSTBUS_E_UNSUPPORTED, "this host has no postbus.settings/1");
    return *settings_;
  }
  static void check(std::int32_t status, std::string_view name) {
    if (status != POSTBUS_OK)
      throw failure(status,
                    "no setting '" + std::string(name) + "' of this type in the schema of plugin.json");
  }

  const postbus_host* host_;
  in_flight& owed_;
  std::string_view config_;
  const postbus_runtime* runtime_;
  const postbus_settings* settings_;
  const postbus_metrics* metrics_;
  void *runtime_self_ = nullptr, *settings_self_ = nullptr, *metrics_self_ = nullptr;
};

}  // namespace postbus::sdk
