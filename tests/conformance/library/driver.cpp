#include "driver.hpp"

#include <boost/json.hpp>

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
      to_(to) {}

driver::~driver() {
  finish();
  for (const std::string& fault : take_faults()) to_.add("'" + id_ + "' broke a promise: " + fault);
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

void driver::shut_down() {
  if (expect_ok(stop(), "stop")) destroy();
}

void for_each_plugin(const library_under_test& library, const std::function<void(const plugin_info&)>& f) {
  bool any = false;
  for (const plugin_info& p : plugins_in(library)) {
    if (!p.wraps.empty()) continue;
    any = true;
    f(p);
  }
  if (!any) throw check_skipped{"the library has only wrappers, which are created around something"};
}

void for_each_transport(const library_under_test& library, const std::function<void(const plugin_info&)>& f) {
  bool any = false;
  for_each_plugin(library, [&](const plugin_info& p) {
    if (!is_transport(p)) return;
    any = true;
    f(p);
  });
  if (!any) throw check_skipped{"the library has no transport"};
}

}  // namespace postbus::conformance
