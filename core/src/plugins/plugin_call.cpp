#include "plugin_call.hpp"

#include "engine/engine.hpp"

#include <memory>

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

std::shared_ptr<plugin_call> plugin_call::make(const plugin_instance& plugin, runtime& rt) {
  const auto* control = plugin.interface<postbus_control>("postbus.control/1");
  if (control == nullptr || !POSTBUS_CAN(control, call))
    throw error(error::bad_plugin, "plugin '" + plugin.id() + "' gives no postbus.control/1",
                "it, for its manifest has methods", "");
  auto call = std::make_shared<plugin_call>();
  call->self_ = call;
  call->rt_ = &rt;
  call->asked_ns = rt.now_ns();
  return call;
}

void plugin_call::ask(const plugin_instance& plugin, std::string_view method,
                      std::string_view json) noexcept {
  const auto* control = plugin.interface<postbus_control>("postbus.control/1");
  auto* who = new (std::nothrow) asked{self_.lock(), *rt_};
  if (who == nullptr) return status = POSTBUS_E_NOMEM, sdk::answer(done.done(), POSTBUS_OK);
  control->call(plugin.self(), sdk::str(method), sdk::str(json), {&asked::finish, who});
}

}  // namespace postbus::detail
