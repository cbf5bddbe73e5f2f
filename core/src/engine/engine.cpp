#include "engine.hpp"

#include "admin/admin.hpp"
#include "plugins/plugin_loader.hpp"
#include "plugins/wrappers.hpp"

#include <postbus/sdk/names.hpp>
#include <postbus/sdk/topic.hpp>

#include <algorithm>
#include <set>

namespace postbus::detail {
namespace {

// Events carry their bus's name and outlive the bus: names are kept for ever, each once.
std::string_view intern(const std::string& name) {
  static auto* mutex = new std::mutex;
  static auto* names = new std::set<std::string>;
  const std::lock_guard lock(*mutex);
  return *names->insert(name).first;
}

std::unique_ptr<runtime> make_runtime(const config& configuration, const settings& host,
                                      boost::asio::any_io_executor executor) {
  if (testing::manual_clock* clock = config_access::of(configuration).clock)
    return make_manual_runtime(*clock);
  if (host.threads > 0) return make_thread_runtime(host.threads, host.wait == wait_mode::spin);
  if (executor) return make_executor_runtime(std::move(executor));
  throw error(error::bad_config, "bus.threads = 0 and no executor",
              "threads, or an executor given to the bus",
              "write bus(config, executor), or set bus.threads to 1 or more");
}

void check_store(const plugin_instance& store) {
  const auto* table = store.interface<postbus_store>("postbus.store/1");
  if (table == nullptr || !POSTBUS_CAN(table, execute))
    throw error(error::bad_plugin,
                "plugin '" + store.id() + "' (" + store.origin() + ") gives no postbus.store/1",
                "the interface its manifest provides", "see plugin.h");
}

void start_layers(plugin_instance* outermost) {
  for_each_layer(outermost, [](plugin_instance& p) { p.start(); });
}

}  // namespace

error::errc to_code(std::int32_t status) noexcept {
  switch (status) {
    case POSTBUS_E_INVALID:
      return error::bad_argument;
    case POSTBUS_E_UNSUPPORTED:
      return error::unsupported;
    case POSTBUS_E_CANCELLED:
      return error::cancelled;
    case POSTBUS_E_UNAVAILABLE:
      return error::unavailable;
    case POSTBUS_E_TIMEOUT:
      return error::timed_out;
    case POSTBUS_E_FULL:
      return error::full;
    case POSTBUS_E_UNKNOWN:
      return error::outcome_unknown;
    default:
      return error::failed;
  }
}
error_code to_error_code(std::int32_t status) noexcept {
  return status == POSTBUS_OK ? error_code() : make_error_code(to_code(status));
}
std::int32_t from_error_code(const error_code& ec) noexcept {
  if (!ec) return POSTBUS_OK;
  for (const std::int32_t status :
       {POSTBUS_E_INVALID, POSTBUS_E_UNSUPPORTED, POSTBUS_E_CANCELLED, POSTBUS_E_UNAVAILABLE,
        POSTBUS_E_TIMEOUT, POSTBUS_E_FULL, POSTBUS_E_UNKNOWN})
    if (ec == make_error_code(to_code(status))) return status;
  return POSTBUS_E_FAIL;
}

std::shared_ptr<engine> engine::make(const config& configuration, boost::asio::any_io_executor executor) {
  auto made = std::make_shared<engine>(configuration, std::move(executor));
  try {
    made->bind_methods();
    made->timetable.start();
    if (made->admin_ != nullptr)
      made->admin_->start();  // only now: its clients' subscriptions share the engine
  } catch (...) {
    made->close(0, 0);
    throw;
  }
  return made;
}

void add_up(delivery_counts& sum, const delivery_counts& c) noexcept {
  sum.taken_on += c.taken_on;
  sum.started += c.started;
  sum.retried += c.retried;
  for (const auto& [name, outcome] : delivery_outcomes) sum.*outcome += c.*outcome;
}

engine::engine(const config& configuration, boost::asio::any_io_executor executor) {
  prepared ready = detail::prepare(configuration);
  const admin_settings admin_socket = ready.host.admin;
  source = intern(ready.host.name);
  rt = make_runtime(configuration, ready.host, std::move(executor));
  log = std::make_unique<log_service>(source, ready.host.log, config_access::of(configuration).log, *rt);
  workers = ready.host.threads;
  sample_every = ready.host.sample_every;
  delayed.set_bounds({ready.host.delayed_max, ready.host.delayed_bytes_max});
  components.add("bus", "", true, rt->wall_ns());
  wall_offset_ns = rt->wall_ns() - rt->coarse_now_ns();
  routes = router(ready.host.routes);
  try {
    load(std::move(ready));
    if (!admin_socket.path.empty()) open_admin(admin_socket);
  } catch (...) {
    stop_plugins();
    log->finish();
    rt->stop();
    destroy_plugins();
    throw;
  }
}

engine::~engine() = default;

void engine::open_admin(const admin_settings& settings) {
  if (rt->is_virtual())
    throw error(error::unsupported, "bus.admin under a manual clock", "a bus in real time",
                "leave bus.admin out of this test");
  admin_ = std::make_unique<admin>(*this, settings);
  components.add("admin", "", false, rt->wall_ns());
}

const admin_counts* engine::admin_counts() const noexcept {
  return admin_ != nullptr ? &admin_->counts() : nullptr;
}

// The store first, for others ask for it in their create; then what carries events, then what looks at them.
void engine::load(prepared ready) {
  if (ready.store) {
    store_is_named = ready.host.store.plugin.name != "auto";
    store = make_with_wrappers(*this, std::move(*ready.store), "store", "", true, check_store);
    start_layers(store.get());
    if (!store_is_named && store->innermost().id() == "memory-store")
      for (const plugin_use& t : ready.transports)
        if (t.manifest->shared)
          log->write(POSTBUS_LOG_WARN, "bus",
                     "the store is memory-store, within this process, and '" + t.id +
                         "' is shared with others: what plugins keep in the store they do not see; name a "
                         "store in store.plugin");
  }
  for (std::size_t i = 0; i < ready.transports.size(); ++i) {
    const transport_settings& mine = ready.host.transports[i];
    transports.push_back(std::make_unique<transport_slot>(
        *this,
        make_with_wrappers(*this, std::move(ready.transports[i]), "transport." + mine.name,
                           i == 0 ? "" : mine.name, mine.required, check_transport),
        mine));
  }
  for (plugin_use& use : ready.features) {
    const auto found = ready.host.plugins.find(use.id);
    const feature_settings settings = found != ready.host.plugins.end() ? found->second : feature_settings{};
    listens_.emplace(use.id, settings.listens);
    if (use.local != nullptr) {
      features.add(use.id, *use.local, settings);
      continue;
    }
    plugins_.push_back(std::make_unique<plugin_instance>(*this, std::move(use), "feature." + use.id, ""));
    plugins_.back()->check();
    features.add(*plugins_.back(), settings);
  }
  for (const auto& t : transports) start_layers(t->plugin.get());
  for (const auto& plugin : plugins_) plugin->start();
}

void engine::for_each_plugin(const std::function<void(plugin_instance&)>& f) const {
  for_each_layer(store.get(), f);
  for (const auto& t : transports) for_each_layer(t->plugin.get(), f);
  for (const auto& plugin : plugins_) f(*plugin);
}

// By its id; a transport also by its name in the configuration, and a wrapper of one by "NAME/ID": it may be around several.
plugin_instance* engine::find_plugin(std::string_view name) const {
  plugin_instance* found = nullptr;
  for_each_plugin([&](plugin_instance& p) {
    if (found == nullptr && p.id() == name) found = &p;
  });
  for (const auto& t : transports)
    for_each_layer(t->plugin.get(), [&](plugin_instance& p) {
      const bool is_it = name == (p.wrapped() == nullptr ? t->name : t->name + "/" + p.id());
      if (found == nullptr && is_it) found = &p;
    });
  return found;
}

void engine::stop_plugins() noexcept {
  // No call into a plugin is under way any more, nor begins. In the reverse of the order they were started in.
  std::vector<plugin_instance*> all;
  for_each_plugin([&](plugin_instance& p) { all.push_back(&p); });
  for (auto plugin = all.rbegin(); plugin != all.rend(); ++plugin) (*plugin)->stop();
}

void engine::destroy_plugins() noexcept {
  plugins_.clear();
  for (const auto& t : transports) t->plugin.reset();
  store.reset();
}

bool engine::in_handler() noexcept {
  const thread_record* mine = threads.mine_if_any();
  return mine != nullptr && (mine->running.load(std::memory_order_relaxed) != nullptr || mine->steps > 0);
}

void engine::set_log_level(log_level level, std::string_view module) {
  std::vector<std::string> known{"bus", "admin"};
  for (const component_health& c : components.read())
    if (!c.plugin.empty()) known.push_back(c.plugin);
  if (!module.empty() && std::find(known.begin(), known.end(), module) == known.end())
    throw error(error::bad_argument, "a log level for the module '" + std::string(module) + "'",
                "one of " + sdk::list_of(known), sdk::did_you_mean(module, known, ""));
  log->set_level(level, module);
}

}  // namespace postbus::detail
