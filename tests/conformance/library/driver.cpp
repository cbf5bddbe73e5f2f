#include "driver.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace postbus::conformance {
namespace {

namespace json = boost::json;

void flatten(const json::object& from, const std::string& prefix, testing::settings& to) {
  for (const auto& [key, value] : from) {
    const std::string name = prefix + std::string(key);
    if (value.is_object()) flatten(value.get_object(), name + ".", to);
    else if (value.is_bool()) to[name] = value.get_bool();
    else if (value.is_int64()) to[name] = value.get_int64();
    else if (value.is_uint64()) to[name] = static_cast<std::int64_t>(value.get_uint64());
    else if (value.is_double()) to[name] = value.get_double();
    else if (value.is_string()) to[name] = std::string(value.get_string());
    else to[name] = testing::list{json::serialize(value)};
  }
}

// What is held or parked stays so: this host has no rest of a chain to go on with.
constexpr postbus_flow flow{sizeof(postbus_flow), 0, [](void*, const postbus_verdict*, std::size_t) {},
                            [](void*, const postbus_pair*, std::size_t) { return std::size_t{0}; }};

}  // namespace

testing::settings settings_for(const library_under_test& library, const plugin_info& plugin) {
  testing::settings all;
  flatten(json::parse(plugin_settings(config_with(library, plugin), plugin.id)).as_object(), "", all);
  return all;
}

driver::driver(const library_under_test& library, const plugin_info& plugin, findings& to)
    : module_(testing::load_module(library.file)),
      id_(plugin.id),
      own_(settings_for(library, plugin)),
      patience_(library.patience),
      to_(to) {
  add_service("postbus.flow/1", &flow, nullptr);
  if (plugin.wraps == "transport") put_below("postbus.transport/1", "memory", library, plugin);
  if (plugin.wraps == "store" || needs(plugin, "postbus.store/1"))
    put_below("postbus.store/1", "memory-store", library, plugin);
}

// Without a store to keep its state in a plugin finds none, which it says or does without.
void driver::put_below(const char* interface, const char* id, const library_under_test& library,
                       const plugin_info& plugin) {
  for (const plugin_info& p : list_plugins(config_with(library, plugin))) {
    if (p.id != id || !p.problem.empty()) continue;
    below_ = std::make_unique<testing::fake_host>(clock());
    const library_under_test its{p.file, library.base, patience_};
    if (!below_->create(testing::load_module(p.file), id, settings_for(its, p)) || !below_->start())
      throw std::runtime_error("the plugin '" + p.id + "' does not start");
    return add_service(interface, below_->interface<void>(interface), below_->self());
  }
  if (!plugin.wraps.empty())
    throw check_skipped{"there is nothing to wrap: the plugin '" + std::string(id) + "' is not on the path"};
}

driver::~driver() {
  finish();
  for (const std::string& fault : take_faults()) to_.add("'" + id_ + "' broke a promise: " + fault);
  if (below_ == nullptr) return;
  below_->stop();
  below_->destroy();
  for (const std::string& fault : below_->take_faults())
    to_.add("'" + id_ + "' broke a promise to what is below it: " + fault);
}

bool driver::answered(const testing::answer& a) { return a.ready() || wait(a, patience_); }

bool driver::expect_ok(const testing::answer& a, const char* what) {
  std::string said = "no answer";
  if (answered(a)) {
    if (a) return true;
    said = "the status " + std::to_string(a.status()) + ", \"" + a.message() + "\"";
  }
  to_.add("expected that '" + id_ + "' answers " + what + " with OK; saw " + said);
  return false;
}

void driver::start_up() {
  if (expect_ok(create(module_, id_, own_), "create") && expect_ok(start(), "start")) return;
  throw std::runtime_error("the check ended there");
}

bool driver::has_flow_control() const {
  return POSTBUS_CAN(interface<postbus_transport>("postbus.transport/1"), credit);
}

std::uint32_t driver::first_credit(std::uint32_t n) const {
  return has_flow_control() ? n : POSTBUS_CREDIT_UNLIMITED;
}

void driver::more_credit(void* subscription, std::uint32_t n) {
  if (has_flow_control()) credit(subscription, n);
}

void driver::shut_down() {
  if (expect_ok(stop(), "stop")) destroy();
}

std::vector<testing::event> numbered_events(std::size_t n) {
  std::vector<testing::event> all(n);
  for (std::size_t i = 0; i < n; ++i) all[i] = {.topic = "conformance:check", .data = std::to_string(i)};
  return all;
}

void show(driver& d, std::size_t n) {
  const auto batch = numbered_events(n);
  for (const std::uint32_t stage : {POSTBUS_AT_PUBLISH, POSTBUS_AT_DELIVER}) {
    try {
      d.run(stage, std::span(batch));
    } catch (const std::logic_error&) {  // not one of its stages
    }
  }
}

bool provides(const plugin_info& plugin, std::string_view interface) {
  return std::ranges::find(plugin.provides, interface) != plugin.provides.end();
}
bool needs(const plugin_info& plugin, std::string_view interface) {
  return std::ranges::find(plugin.needs, interface) != plugin.needs.end();
}

void for_each_plugin(const library_under_test& library, const std::function<void(const plugin_info&)>& f) {
  for (const plugin_info& p : plugins_in(library)) f(p);
}

void for_each_plugin_with(std::string_view interface, const char* what, const library_under_test& library,
                          const std::function<void(const plugin_info&)>& f) {
  bool any = false;
  for_each_plugin(library, [&](const plugin_info& p) {
    if (!provides(p, interface)) return;
    any = true;
    f(p);
  });
  if (!any) throw check_skipped{"the library has no " + std::string(what)};
}

void for_each_transport(const library_under_test& library, const std::function<void(const plugin_info&)>& f) {
  for_each_plugin_with("postbus.transport/1", "transport", library, f);
}

void for_each_feature(const library_under_test& library, const std::function<void(const plugin_info&)>& f) {
  for_each_plugin_with("postbus.interceptor/1", "feature", library, f);
}

}  // namespace postbus::conformance
