#include "plugin_instance.hpp"

#include "config/secrets.hpp"
#include "engine/engine.hpp"
#include "engine/waiter.hpp"

#include <algorithm>
#include <cstring>

namespace postbus::detail {

// A timer of a plugin, until it fired or was cancelled.
struct plugin_timer {
  plugin_instance* owner;
  postbus_done done;
  runtime::timer_id id;
};

// The C tables that a plugin sees. Each function's first argument leads back to its plugin_instance.
struct host_tables {
  static plugin_instance& of(void* self) noexcept { return *static_cast<plugin_instance*>(self); }
  static plugin_instance& of(const postbus_host* host) noexcept { return of(host->ctx); }
  static runtime& runtime_of(void* self) noexcept { return *of(self).engine_.rt; }

  static std::int32_t log_enabled(const postbus_host* host, std::int32_t level) {
    return of(host).engine_.log->enabled(level, of(host).id());
  }
  static void log(const postbus_host* host, std::int32_t level, postbus_str message) {
    if (level < POSTBUS_LOG_TRACE || level > POSTBUS_LOG_ERROR) return;
    const std::string_view line = sdk::view(message);
    of(host).engine_.log->burst(level, of(host).id(), line, line);
  }
  static void state(const postbus_host* host, std::int32_t health, postbus_str reason, postbus_str remedy) {
    static constexpr std::string_view names[] = {"healthy", "degraded", "unhealthy", "error"};
    if (health < POSTBUS_HEALTHY || health > POSTBUS_ERROR) return;
    std::string line(names[health]);
    if (reason.len != 0) line.append(": ").append(sdk::view(reason));
    if (remedy.len != 0) line.append("; ").append(sdk::view(remedy));
    engine& owner = of(host).engine_;
    owner.log->burst(health == POSTBUS_HEALTHY ? POSTBUS_LOG_INFO : POSTBUS_LOG_WARN, of(host).id(), line,
                     line);
    owner.components.report(
        of(host).component(),
        {static_cast<health_state>(health), std::string(sdk::view(reason)), std::string(sdk::view(remedy))},
        owner.rt->wall_ns());
  }

  static const postbus_event* event_new(const postbus_host* host, const postbus_event* fields,
                                        const postbus_owned* data) {
    postbus_event mine{};  // the plugin's may be older and shorter
    std::memcpy(&mine, fields, std::min<std::size_t>(fields->size, sizeof mine));
    if (mine.source.len == 0) mine.source = sdk::str(of(host).engine_.source);
    try {
      return new_event(mine, data, *of(host).engine_.rt);
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
  }
  static const postbus_event* event_keep(const postbus_host*, const postbus_event* event) {
    try {
      return event_record::of(event).keep();
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
  }
  static void event_release(const postbus_host*, const postbus_event* event) {
    event_record::of(event).release();
  }
  static void event_fill(const postbus_host*, const postbus_event* event) { event_record::of(event).fill(); }

  static std::int64_t now_ns(void* self) { return runtime_of(self).now_ns(); }
  static std::int64_t wall_ns(void* self) { return runtime_of(self).wall_ns(); }
  static std::uint64_t random(void* self) { return runtime_of(self).random(); }
  static void post(void* self, void (*fn)(void*), void* ctx) { runtime_of(self).post(fn, ctx); }
  static std::uint64_t timer(void* self, std::int64_t delay_ns, postbus_done done) {
    plugin_instance& p = of(self);
    std::unique_lock lock(p.timers_mutex_);
    if (p.stopping_) {
      lock.unlock();
      sdk::answer(done, POSTBUS_E_CANCELLED);
      return 0;
    }
    auto* mine = new plugin_timer{&p, done, 0};
    p.timers_.insert(mine);
    mine->id = p.engine_.rt->timer(delay_ns, {&timer_due, mine});
    return mine->id;
  }
  static void timer_due(void* ctx, std::int32_t status, const void*, const postbus_error*) {
    const std::unique_ptr<plugin_timer> mine(static_cast<plugin_timer*>(ctx));
    {
      const std::lock_guard lock(mine->owner->timers_mutex_);
      mine->owner->timers_.erase(mine.get());
    }
    sdk::answer(mine->done, status);
  }
  static void cancel(void* self, std::uint64_t timer) { runtime_of(self).cancel(timer); }
  static void grace_period(void* self, postbus_done done) { of(self).engine_.threads.grace_period(done); }

  template <class T, class Get>
  static std::int32_t read(void* self, postbus_str name, T* out, Get get) {
    const json::value* value = of(self).setting(sdk::view(name));
    return value != nullptr && get(*value, *out) ? POSTBUS_OK : POSTBUS_E_INVALID;
  }
  static std::int32_t integer(void* self, postbus_str name, std::int64_t* out) {
    return read(self, name, out, [](const json::value& v, std::int64_t& to) {
      if (v.is_uint64()) return to = static_cast<std::int64_t>(v.get_uint64()), true;
      return v.is_int64() && (to = v.get_int64(), true);
    });
  }
  static std::int32_t number(void* self, postbus_str name, double* out) {
    return read(self, name, out, [](const json::value& v, double& to) {
      return v.is_number() && (to = v.to_number<double>(), true);
    });
  }
  static std::int32_t boolean(void* self, postbus_str name, std::int32_t* out) {
    return read(self, name, out, [](const json::value& v, std::int32_t& to) {
      return v.is_bool() && (to = v.get_bool(), true);
    });
  }
  static std::int32_t text(void* self, postbus_str name, postbus_str* out) {
    return read(self, name, out, [](const json::value& v, postbus_str& to) {
      return v.is_string() && (to = sdk::str({v.get_string().data(), v.get_string().size()}), true);
    });
  }

  static std::uint32_t define(void* self, std::int32_t kind, postbus_str name, postbus_str help) {
    plugin_instance& p = of(self);
    auto defined = p.engine_.plugin_metrics.define(p.id(), p.label_, kind, sdk::view(name), sdk::view(help));
    if (defined.number == 0) p.engine_.log->write(POSTBUS_LOG_ERROR, p.id(), defined.refusal);
    return defined.number;
  }
  static void add(void* self, std::uint32_t metric, std::int64_t value) {
    of(self).engine_.plugin_metrics.add(metric, value);
  }

  static void publish(void* self, const postbus_event* const* fields, std::size_t n, postbus_done done) {
    of(self).engine_.publish_for_plugin(fields, n, done);
  }

  static std::vector<std::pair<std::string_view, std::string_view>> selector(const postbus_pair* where,
                                                                             std::size_t n) {
    std::vector<std::pair<std::string_view, std::string_view>> s;
    for (std::size_t i = 0; i < n; ++i) s.emplace_back(sdk::view(where[i].name), sdk::view(where[i].value));
    return s;
  }
  static std::size_t list(void* self, const postbus_pair* where, std::size_t n,
                          void (*each)(void*, const postbus_work*), void* ctx) {
    return of(self).engine_.list_running(selector(where, n),
                                         [&](const postbus_work& work) { each(ctx, &work); });
  }
  static std::size_t request_stop(void* self, const postbus_pair* where, std::size_t n, postbus_str) {
    return of(self).engine_.request_stop(selector(where, n));
  }

  static void resume(void* self, const postbus_verdict* answers, std::size_t n) {
    plugin_instance& p = of(self);
    for (std::size_t i = 0; i < n; ++i) {
      if (p.engine_.features.waiting.resume(answers[i])) continue;
      if (answers[i].replacement != nullptr) event_record::of(answers[i].replacement).release();
    }
  }
  static std::size_t recall(void* self, const postbus_pair*, std::size_t) {
    of(self).engine_.recall();
    return 0;
  }

  static constexpr postbus_flow flow_table{sizeof(postbus_flow), 0, resume, recall};
  static constexpr postbus_runtime runtime_table{
      sizeof(postbus_runtime), 0, now_ns, wall_ns, random, post, timer, cancel, grace_period};
  static constexpr postbus_settings settings_table{
      sizeof(postbus_settings), 0, integer, number, boolean, text};
  static constexpr postbus_metrics metrics_table{sizeof(postbus_metrics), 0, define, add};
  static constexpr postbus_publisher publisher_table{sizeof(postbus_publisher), 0, publish};
  static constexpr postbus_inflight inflight_table{sizeof(postbus_inflight), 0, list, request_stop};

  static const void* service(const postbus_host* host, const char* id, void** self) {
    static constexpr std::pair<std::string_view, const void*> services[] = {
        {"postbus.runtime/1", &runtime_table},   {"postbus.settings/1", &settings_table},
        {"postbus.metrics/1", &metrics_table},   {"postbus.publish/1", &publisher_table},
        {"postbus.inflight/1", &inflight_table}, {"postbus.flow/1", &flow_table}};
    *self = host->ctx;
    for (const auto& [name, table] : services)
      if (name == id) return table;
    const plugin_instance* provider = provider_of(of(host), id);
    if (provider == nullptr) return nullptr;
    *self = provider->self();
    return provider->interface<std::uint32_t>(id);
  }
  // Of a wrapper's own interface that is what it wraps; of the store's, for who is none itself, the one of the bus.
  static const plugin_instance* provider_of(const plugin_instance& asking, std::string_view id) {
    if (asking.wrapped() != nullptr && id == asking.manifest().wrapped_interface()) return asking.wrapped();
    const bool may_ask = id == "postbus.store/1" && !asking.manifest().does_provide(id);
    return may_ask ? asking.engine_.store.get() : nullptr;
  }
};

plugin_instance::plugin_instance(engine& owner, plugin_use use, std::string component, std::string label,
                                 bool required, std::unique_ptr<plugin_instance> inner)
    : engine_(owner),
      use_(std::move(use)),
      component_(std::move(component)),
      label_(std::move(label)),
      wrapped_(std::move(inner)) {
  engine_.components.add(component_, id(), required, engine_.rt->wall_ns());
  host_ = {sizeof host_,
           POSTBUS_ABI_MAJOR,
           POSTBUS_ABI_MINOR,
           this,
           host_tables::log_enabled,
           host_tables::log,
           host_tables::state,
           host_tables::service,
           host_tables::event_new,
           host_tables::event_keep,
           host_tables::event_release,
           host_tables::event_fill};
  const std::string config = json::serialize(use_.config);
  postbus_error refusal = sdk::make_error(POSTBUS_E_FAIL, "");
  const std::int32_t status = use_.desc->create(&host_, sdk::str(config), &table_, &self_, &refusal);
  if (status != POSTBUS_OK)
    throw error(error::bad_config,
                "plugin '" + id() + "' (" + origin() + ") says: " + hide(refusal.message, use_.secrets),
                "settings that it accepts", "");
}

bool plugin_instance::is_complete() const noexcept {
  return table_ != nullptr && POSTBUS_CAN(table_, start) && POSTBUS_CAN(table_, stop) &&
         POSTBUS_CAN(table_, destroy) && POSTBUS_CAN(table_, interface);
}

void plugin_instance::check() const {
  if (!is_complete())
    throw error(error::bad_plugin,
                "plugin '" + id() + "' (" + origin() + ") has no start, stop, destroy or interface",
                "a complete postbus_plugin table", "fill it in as plugin.h says");
  if (engine_.rt->is_virtual() && (table_->flags & POSTBUS_CAN_VIRTUAL_TIME) == 0)
    throw error(error::unsupported, "plugin '" + id() + "' has threads or a clock of its own",
                "plugins that say POSTBUS_CAN_VIRTUAL_TIME, under a manual clock", "test it in real time");
}

plugin_instance::~plugin_instance() {
  if (is_complete()) table_->destroy(self_);
}

void plugin_instance::start() {
  waiter started;
  table_->start(self_, started.done());
  if (!started.wait(*engine_.rt))
    throw error(error::failed, "plugin '" + id() + "' does not answer start()",
                "an answer without time moving on", "");
  if (started.status() != POSTBUS_OK)
    throw error(to_code(started.status()), "plugin '" + id() + "' says: " + started.message(),
                "a plugin that starts", "");
}

void plugin_instance::stop() noexcept {
  std::vector<runtime::timer_id> timers;
  {
    const std::lock_guard lock(timers_mutex_);
    stopping_ = true;
    for (const plugin_timer* t : timers_) timers.push_back(t->id);
    std::sort(timers.begin(),
              timers.end());  // as they were set: a run on a manual clock is the same each time
  }
  for (const auto timer : timers) engine_.rt->cancel(timer);
  if (!is_complete()) return;
  waiter stopped;
  table_->stop(self_, stopped.done());
  if (stopped.wait(*engine_.rt)) return;
  // Under a manual clock a plugin that never answers would leave its done pointing at this stack.
  engine_.log->write(POSTBUS_LOG_ERROR, "bus", "plugin '" + id() + "' does not answer stop(); giving up");
  std::abort();
}

const void* plugin_instance::checked_interface(const char* interface, std::size_t least) const {
  const void* table = table_->interface(self_, interface);
  if (table == nullptr) return nullptr;
  std::uint32_t size = 0;
  std::memcpy(&size, table, sizeof size);
  if (size < least)
    throw error(error::bad_plugin,
                "plugin '" + id() + "' (" + origin() + ") has a table " + interface + " of " +
                    std::to_string(size) + " bytes",
                "at least " + std::to_string(least), "set its size field to sizeof the table");
  return table;
}

const json::value* plugin_instance::setting(std::string_view dotted) const {
  const json::object* at = &use_.config;
  for (;;) {
    const std::size_t dot = dotted.find('.');
    const json::value* value = at->if_contains(dotted.substr(0, dot));
    if (value == nullptr || dot == std::string_view::npos) return value;
    if (!value->is_object()) return nullptr;
    at = &value->get_object();
    dotted.remove_prefix(dot + 1);
  }
}

}  // namespace postbus::detail
