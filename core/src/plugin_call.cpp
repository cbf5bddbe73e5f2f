#include "plugin_call.hpp"

#include "engine.hpp"

#include <algorithm>

namespace postbus::detail {
namespace {

// Who hears of the answer: owned by the done.
struct asked {
  std::shared_ptr<plugin_call> call;
  runtime& rt;

  static void finish(void* ctx, std::int32_t status, const void* result, const postbus_error* e) {
    const std::unique_ptr<asked> self(static_cast<asked*>(ctx));
    plugin_call& call = *self->call;
    call.status = status;
    if (status == POSTBUS_OK && result != nullptr)
      call.text = sdk::view(*static_cast<const postbus_str*>(result));
    if (e != nullptr) call.message = e->message;
    call.answered_ns = self->rt.now_ns();
    sdk::answer(call.done.done(), POSTBUS_OK);
  }
};

}  // namespace

std::shared_ptr<plugin_call> plugin_call::begin(const plugin_instance& plugin, runtime& rt,
                                                std::string_view method, std::string_view json) {
  const auto* control = plugin.interface<postbus_control>("postbus.control/1");
  if (control == nullptr || !POSTBUS_CAN(control, call))
    throw error(error::bad_plugin, "plugin '" + plugin.id() + "' gives no postbus.control/1",
                "it, for its manifest has methods", "");
  auto call = std::make_shared<plugin_call>();
  call->asked_ns = rt.now_ns();
  control->call(plugin.self(), sdk::str(method), sdk::str(json), {&asked::finish, new asked{call, rt}});
  return call;
}

std::string engine::call(std::string_view method, std::string_view json, std::int64_t deadline_ns) {
  passage inside(threads.mine());  // the plugins stay until it ends
  if (state.load() == phase::closed) throw error(error::closed, "a call on a closed bus", "an open one", "");
  const std::size_t dot = method.find('.');
  const std::string_view id = method.substr(0, dot),
                         name = dot == std::string_view::npos ? "" : method.substr(dot + 1);
  plugin_instance* found = find_plugin(id);
  const auto refuse = [&](const std::string& wanted) {
    throw error(error::no_such_method, "a call of '" + std::string(method) + "'", wanted, "");
  };
  if (found == nullptr) refuse("a plugin of this bus, as <plugin>.<method>");
  const auto& methods = found->manifest().methods;
  if (std::find(methods.begin(), methods.end(), name) == methods.end()) {
    std::string known;
    for (const auto& m : methods) known += (known.empty() ? "" : ", ") + m;
    refuse(known.empty() ? "nothing: '" + found->id() + "' has no methods" : "one of " + known);
  }
  const auto answer = plugin_call::begin(*found, *rt, name, json);
  inside.leave();
  if (!answer->done.wait(*rt, rt->now_ns() + deadline_ns))
    throw error(error::timed_out, "no answer to '" + std::string(method) + "'", "one before the deadline",
                "");
  if (answer->status != POSTBUS_OK)
    throw error(to_code(answer->status), "'" + std::string(method) + "' says: " + answer->message, "", "");
  return std::move(answer->text);
}

}  // namespace postbus::detail
