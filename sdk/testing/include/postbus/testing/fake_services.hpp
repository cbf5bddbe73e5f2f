// fake_services: what a plugin under test sees of its host, and what a test reads there afterwards: log lines, health states, events,
// metrics, what was published. The base of fake_host. Any thread.
#pragma once

#include <postbus/testing/event.hpp>
#include <postbus/testing/fake_runtime.hpp>
#include <postbus/testing/settings.hpp>

#include <optional>

namespace postbus::testing {

struct log_line {
  std::int32_t level = 0;  // POSTBUS_LOG_…
  std::string text;
  bool operator==(const log_line&) const = default;
};
struct health_state {
  std::int32_t health = 0;  // POSTBUS_HEALTHY …
  std::string reason, remedy;
  bool operator==(const health_state&) const = default;
};
struct metric {
  std::int32_t kind = 0;  // POSTBUS_COUNTER …
  std::string name, help;
  std::int64_t value = 0;
};
// How often the plugin called the host's event functions, and how many references it holds now.
struct event_counts {
  std::size_t made = 0, kept = 0, released = 0, filled = 0, held = 0;
};

class fake_services {
 public:
  fake_services(const fake_services&) = delete;
  fake_services& operator=(const fake_services&) = delete;

  // ---- what the plugin did
  std::vector<log_line> log() const { return copy(log_); }
  std::vector<health_state> states() const { return copy(states_); }
  std::vector<metric> metrics() const { return copy(metrics_); }
  // The value of one metric; nothing when it is not defined.
  std::optional<std::int64_t> metric_value(std::string_view name) const {
    for (const metric& m : metrics())
      if (m.name == name) return m.value;
    return std::nullopt;
  }
  // What it published through postbus.publish/1.
  std::vector<event> published() const { return copy(published_); }
  event_counts events() const {
    event_counts counts = copy(counts_);
    counts.held = *references_;
    return counts;
  }
  std::size_t pending_timers() const { return runtime_.pending_timers(); }
  // The promises it broke since the last call. What no test takes aborts it in the end.
  std::vector<std::string> take_faults() { return faults_.take(); }

  // ---- what the host does; before create() where it is about services
  // event_new and event_keep find no memory.
  void out_of_memory(bool now) { no_memory_ = now; }
  // Events are lent in memory that cannot be written to, and whose addresses are not used again: a plugin that does not keep to what R2
  // of plugin.h says ends with a SIGSEGV. For a test in a process of its own.
  void lend_in_pages(bool now) { in_pages_ = now; }
  // The plugin finds no service of this name.
  void hide_service(std::string id) { services_[std::move(id)] = {}; }
  // The plugin finds this table, a test's own, instead of ours or beside them: a store, a flow. Valid as long as the host.
  void add_service(std::string id, const void* table, void* self) {
    services_[std::move(id)] = {table, self};
  }
  // What postbus.publish/1 answers.
  void publish_answers(std::int32_t status) { publish_status_ = status; }
  const postbus_host* host() const noexcept { return &host_; }
  manual_clock& clock() noexcept { return clock_; }

 protected:
  explicit fake_services(manual_clock& clock) : clock_(clock), runtime_(clock, faults_) {}
  ~fake_services() = default;

  std::unique_ptr<detail::event_block> block_to_lend(const event& e) { return block(e, in_pages_); }
  std::unique_ptr<detail::event_block> block(const event& e, bool in_pages = false) {
    const std::lock_guard lock(mutex_);
    return std::make_unique<detail::event_block>(e, clock_.wall_ns(), ++events_, in_pages);
  }
  // A reference that the plugin gave to the host, which drops it; `what` names it.
  std::optional<event> take_over(const postbus_event* given, const char* what) {
    std::optional<event> copy = detail::event_book::instance().take(given);
    if (!copy) faults_.add(std::string(what) + " is an event that nobody holds a reference to");
    return copy;
  }

  manual_clock& clock_;
  faults faults_;
  fake_runtime runtime_;
  settings settings_;
  std::atomic<bool> metrics_fixed_ = false;  // start completed

 private:
  struct own_service {
    const void* table = nullptr;
    void* self = nullptr;
  };
  template <class T>
  T copy(const T& value) const {
    const std::lock_guard lock(mutex_);
    return value;
  }
  static fake_services& of(const postbus_host* host, const char* function) {
    auto& me = *static_cast<fake_services*>(host->ctx);
    me.faults_.called(function);
    return me;
  }

  static void add_line(const postbus_host* host, std::int32_t level, postbus_str message) {
    fake_services& me = of(host, "log");
    const std::lock_guard lock(me.mutex_);
    me.log_.push_back({level, std::string(sdk::view(message))});
  }
  static void add_state(const postbus_host* host, std::int32_t health, postbus_str reason,
                        postbus_str remedy) {
    fake_services& me = of(host, "state");
    const std::lock_guard lock(me.mutex_);
    me.states_.push_back({health, std::string(sdk::view(reason)), std::string(sdk::view(remedy))});
  }
  static const void* find_service(const postbus_host* host, const char* id, void** self) {
    fake_services& me = of(host, "service");
    const std::string_view name = id;
    if (const auto own = me.services_.find(name); own != me.services_.end())
      return *self = own->second.self, own->second.table;
    if (name == "postbus.runtime/1") return *self = &me.runtime_, &fake_runtime::table();
    if (name == "postbus.settings/1") return *self = &me.settings_, &detail::settings_service::table;
    *self = &me;
    if (name == "postbus.metrics/1") return &metrics_table;
    if (name == "postbus.publish/1") return &publisher_table;
    if (name == "postbus.inflight/1") return &inflight_table;
    return *self = nullptr;
  }

  static const postbus_event* make_event(const postbus_host* host, const postbus_event* fields,
                                         const postbus_owned* data) {
    fake_services& me = of(host, "event_new");
    if (me.no_memory_) return nullptr;
    postbus_event known{};
    std::memcpy(&known, fields, std::min<std::size_t>(fields->size, sizeof known));
    event copy = event::copy_of(known);
    if (copy.source.empty()) copy.source = "fake-host";
    auto made = me.block(copy);
    if (data != nullptr) made->adopt(*data);
    ++me.counted(&event_counts::made);
    return detail::event_book::instance().add(std::move(made), me.references_);
  }
  static const postbus_event* keep_event(const postbus_host* host, const postbus_event* event) {
    fake_services& me = of(host, "event_keep");
    if (me.no_memory_) return nullptr;
    ++me.counted(&event_counts::kept);
    const postbus_event* kept = detail::event_book::instance().keep(event, me.references_);
    if (kept == nullptr) me.faults_.add("event_keep was called for an event that is gone");
    return kept;
  }
  static void release_event(const postbus_host* host, const postbus_event* event) {
    auto& me = *static_cast<fake_services*>(host->ctx);  // allowed until destroy returned
    ++me.counted(&event_counts::released);
    if (!detail::event_book::instance().release(event))
      me.faults_.add("event_release was called for an event that nobody holds");
  }
  static void fill_event(const postbus_host* host, const postbus_event* event) {
    fake_services& me = of(host, "event_fill");
    ++me.counted(&event_counts::filled);
    if (!detail::event_book::instance().fill(event))
      me.faults_.add("event_fill was called for an event that is gone");
  }

  static std::uint32_t define_metric(void* self, std::int32_t kind, postbus_str name, postbus_str help) {
    fake_services& me = of(&static_cast<fake_services*>(self)->host_, "metrics.define");
    if (me.metrics_fixed_)
      me.faults_.add("the metric '" + std::string(sdk::view(name)) + "' was defined after start completed");
    const std::lock_guard lock(me.mutex_);
    me.metrics_.push_back({kind, std::string(sdk::view(name)), std::string(sdk::view(help)), 0});
    return static_cast<std::uint32_t>(me.metrics_.size());  // never 0
  }
  static void add_to_metric(void* self, std::uint32_t number, std::int64_t value) {
    fake_services& me = of(&static_cast<fake_services*>(self)->host_, "metrics.add");
    const std::lock_guard lock(me.mutex_);
    if (number == 0 || number > me.metrics_.size())
      me.faults_.add("metrics.add was called for no metric: " + std::to_string(number));
    else me.metrics_[number - 1].value += value;
  }
  static void publish_for_plugin(void* self, const postbus_event* const* fields, std::size_t n,
                                 postbus_done done) {
    fake_services& me = of(&static_cast<fake_services*>(self)->host_, "publish");
    {
      const std::lock_guard lock(me.mutex_);
      for (std::size_t i = 0; i < n; ++i) me.published_.push_back(event::copy_of(*fields[i]));
    }
    sdk::answer(done, me.publish_status_);
  }

  // A counter of event functions, locked for one expression.
  struct locked_counter {
    std::unique_lock<std::mutex> lock;
    std::size_t& count;
    void operator++() { ++count; }
  };
  locked_counter counted(std::size_t event_counts::*which) {
    return {std::unique_lock(mutex_), counts_.*which};
  }

  static constexpr postbus_metrics metrics_table{sizeof(postbus_metrics), 0, define_metric, add_to_metric};
  static constexpr postbus_publisher publisher_table{sizeof(postbus_publisher), 0, publish_for_plugin};
  static constexpr postbus_inflight inflight_table{
      // no handler ever runs
      sizeof(postbus_inflight), 0,
      [](void*, const postbus_pair*, std::size_t, void (*)(void*, const postbus_work*), void*) {
        return std::size_t{0};
      },
      [](void*, const postbus_pair*, std::size_t, postbus_str) { return std::size_t{0}; }};

  mutable std::mutex mutex_;
  std::vector<log_line> log_;
  std::vector<health_state> states_;
  std::vector<metric> metrics_;
  std::vector<event> published_;
  event_counts counts_;
  std::uint64_t events_ = 0;
  detail::event_book::counter references_ = std::make_shared<std::atomic<std::size_t>>(0);
  std::map<std::string, own_service, std::less<>> services_;
  std::atomic<bool> no_memory_ = false, in_pages_ = false;
  std::atomic<std::int32_t> publish_status_ = POSTBUS_OK;
  const postbus_host host_{sizeof(postbus_host),
                           POSTBUS_ABI_MAJOR,
                           POSTBUS_ABI_MINOR,
                           this,
                           [](const postbus_host* h, std::int32_t) { return of(h, "log_enabled"), 1; },
                           add_line,
                           add_state,
                           find_service,
                           make_event,
                           keep_event,
                           release_event,
                           fill_event};
};

}  // namespace postbus::testing
