// Calls of plugins' methods: "<plugin id>.<method>", "<transport's name>.<method>", or "<transport's name>/<wrapper's id>.<method>".
#include "engine/engine.hpp"
#include "engine/waiter.hpp"
#include "wrappers.hpp"

#include <postbus/sdk/names.hpp>

#include <algorithm>

namespace postbus::detail {

std::vector<std::string> engine::methods() const {
  std::vector<std::string> all;
  const auto add_those_of = [&](const plugin_instance& plugin, const std::string& name) {
    for (const std::string& method : plugin.manifest().methods) all.push_back(name + "." + method);
  };
  for_each_layer(store.get(), [&](plugin_instance& p) { add_those_of(p, p.id()); });
  for (const auto& t : transports)
    for_each_layer(t->plugin.get(), [&](plugin_instance& p) {
      add_those_of(p, p.wrapped() == nullptr ? t->name : t->name + "/" + p.id());
    });
  for (const auto& plugin : plugins_) add_those_of(*plugin, plugin->id());
  if (dead.has_store())
    for (const auto& names : {dead_method_names(), schedule_method_names()})
      all.insert(all.end(), names.begin(), names.end());
  return all;
}

void engine::start_call(std::string_view method, std::string_view json, call_answer answer) {
  const passage inside(threads.mine());  // the plugins stay until it ends
  if (state.load() == phase::closed) throw error(error::closed, "a call on a closed bus", "an open one", "");
  const std::size_t dot = method.find('.');
  const std::string_view name = dot == std::string_view::npos ? "" : method.substr(dot + 1);
  if (method.substr(0, dot) == "schedules") return call_schedules(name, json, std::move(answer));
  if (method.substr(0, dot) == "dead") return call_dead(name, json, std::move(answer));
  plugin_instance* const found = find_plugin(method.substr(0, dot));
  const auto refuse = [&](const std::string& wanted) {
    throw error(error::no_such_method, "a call of '" + std::string(method) + "'", wanted,
                sdk::did_you_mean(method, methods(), ""));
  };
  if (found == nullptr) refuse("a plugin of this bus, as <plugin>.<method>");
  const auto& known = found->manifest().methods;
  if (std::find(known.begin(), known.end(), name) == known.end())
    refuse(known.empty() ? "nothing: '" + found->id() + "' has no methods" : "one of " + sdk::list_of(known));
  const auto* control = found->interface<postbus_control>("postbus.control/1");
  if (control == nullptr || !POSTBUS_CAN(control, call))
    throw error(error::bad_plugin, "plugin '" + found->id() + "' gives no postbus.control/1",
                "it, for its manifest has methods", "");
  const auto answered = [](void* ctx, std::int32_t status, const void* result, const postbus_error* e) {
    const std::unique_ptr<call_answer> tell(static_cast<call_answer*>(ctx));
    std::string text;
    if (status == POSTBUS_OK && result != nullptr) text = sdk::view(*static_cast<const postbus_str*>(result));
    if (status != POSTBUS_OK && e != nullptr) text = e->message;
    (*tell)(status, std::move(text));
  };
  control->call(found->self(), sdk::str(name), sdk::str(json),
                {answered, new call_answer(std::move(answer))});
}

std::string engine::call(std::string_view method, std::string_view json, std::int64_t deadline_ns) {
  struct answered {
    waiter done;
    std::string text;
    std::int32_t status = POSTBUS_OK;
  };
  // The plugin may answer after the deadline.
  const auto answer = std::make_shared<answered>();
  start_call(method, json, [answer](std::int32_t status, std::string text) {
    answer->status = status;
    answer->text = std::move(text);
    sdk::answer(answer->done.done(), POSTBUS_OK);
  });
  if (!answer->done.wait(*rt, rt->now_ns() + deadline_ns))
    throw error(error::timed_out, "no answer to '" + std::string(method) + "'", "one before the deadline",
                "");
  if (answer->status != POSTBUS_OK)
    throw error(to_code(answer->status), "'" + std::string(method) + "' says: " + answer->text, "", "");
  return std::move(answer->text);
}

}  // namespace postbus::detail
