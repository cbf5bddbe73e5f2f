// Bound methods: topics on which events call a plugin's method. "listens" in its manifest says which, and its table in the configuration
// may say otherwise. Every bus with the plugin hears the event and calls its own.
#include "admin/admin_json.hpp"
#include "engine/engine.hpp"

#include <postbus/json.hpp>

#include <postbus/sdk/names.hpp>

namespace postbus::detail {
namespace {

struct binding {
  plugin_instance& plugin;
  const postbus_control& control;
  std::string pattern, method;
};

// Of a call under way: the event is settled with its answer.
struct bound_call {
  settlement answer;

  static void finish(void* ctx, std::int32_t status, const void*, const postbus_error* e) {
    const std::unique_ptr<bound_call> self(static_cast<bound_call*>(ctx));
    error_code ec;
    const std::string why = e != nullptr ? e->message : to_error_code(status).message();
    if (status == POSTBUS_OK) self->answer.ack(ec);
    else if (status == POSTBUS_E_INVALID || status == POSTBUS_E_UNSUPPORTED) self->answer.reject(why);
    else self->answer.retry({}, ec);
  }
};

void call_method(void* object, const delivery& d) {
  const auto& b = *static_cast<binding*>(object);
  json::object args = to_json(d.event());
  args["params"] = captures_json(b.pattern, d.topic());
  const std::string text = json::serialize(args);
  auto* under_way = new bound_call{d.defer()};
  b.control.call(b.plugin.self(), sdk::str(b.method), sdk::str(text), {&bound_call::finish, under_way});
}

}  // namespace

void engine::bind_methods() {
  for_each_plugin([&](plugin_instance& p) {
    std::map<std::string, std::string> all = p.manifest().listens;
    for (const auto& [pattern, method] : listens_[p.id()]) all[pattern] = method;
    std::erase_if(all, [](const auto& one) { return one.second.empty(); });
    if (all.empty()) return;
    const auto* control = p.interface<postbus_control>("postbus.control/1");
    for (const auto& [pattern, method] : all) {
      const auto& known = p.manifest().methods;
      if (control == nullptr || !POSTBUS_CAN(control, call) ||
          std::find(known.begin(), known.end(), method) == known.end())
        throw error(error::bad_config,
                    "plugin '" + p.id() + "' listens to '" + pattern + "' with the method '" + method + "'",
                    known.empty() ? "nothing: it has no methods" : "one of " + sdk::list_of(known), "");
      subscribe(pattern, {},
                {std::make_shared<binding>(binding{p, *control, pattern, method}), &call_method, nullptr},
                subscriber::bound);
    }
  });
}

}  // namespace postbus::detail
